"""The error of which all families are."""

import re

from ..redaction import redacted


class UserError(Exception):
    """Bad input: its message says in one sentence what is wrong and what to do.

    Raised as one of its families, see `mmtaskssl.utils.families`. Passwords and
    signatures of addresses that it names are left out, see `redacted`. Pickled, or
    raised anew by the `DataLoader` of whose workers it comes, it keeps family and
    sentence.

    Attributes:
        code: Of its family; "" where an error has none, as of another package.
    """

    code: str = ""

    def __init__(self, *args: object) -> None:
        own = (_of_worker(x, type(self)) if isinstance(x, str) else x for x in args)
        super().__init__(*(redacted(x) if isinstance(x, str) else x for x in own))

    def retold(self, sentence: str) -> "UserError":
        """Returns an error of the same family in other words.

        Args:
            sentence: As a rule its own, and before it what it was met at.
        """
        return type(self)(sentence)

    def line(self) -> str:
        """Returns the sentence and the code, as a tool prints them."""
        return f"{self} [{self.code}]" if self.code else str(self)


def _of_worker(text: str, kind: type) -> str:
    """Returns the sentence alone where a loader put a worker's traceback before it."""
    if not text.startswith(f"Caught {kind.__name__} in "):
        return text
    ends = re.split(rf"^(?:[\w.<>]+\.)?{kind.__name__}: ", text, flags=re.M)
    return ends[-1].strip()
