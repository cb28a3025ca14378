"""Keys that may differ, by regular expressions that a user wrote."""

import re
from collections.abc import Iterable

from ..utils.errors import option
from ..utils.families import BadValue


def patterns_of(allow: str | Iterable[str]) -> list[re.Pattern[str]]:
    """Returns what finds the keys that may differ, from a key's beginning.

    Args:
        allow: Regular expressions; a text is one, and not its letters.

    Raises:
        UserError: One is none.
    """
    found = []
    for pattern in [allow] if isinstance(allow, str) else allow:
        try:
            found.append(re.compile(pattern))
        except (re.error, TypeError, RecursionError, OverflowError) as error:
            raise BadValue(
                f"{option('allow')} {pattern!r} is no regular expression ({error})"
            ) from error
    return found
