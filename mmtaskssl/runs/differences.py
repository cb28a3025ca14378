"""What two results were made from, compared."""

from collections.abc import Mapping
from typing import Any

from .result_file import as_read


def differences(
    found: Mapping[str, Any] | None,
    wanted: Mapping[str, Any],
    words: Mapping[str, str] | None = None,
) -> list[str]:
    """Returns which inputs differ, and of those that have parts, which of these.

    Args:
        found: That a result was made from; None or empty: it does not say.
        wanted: Those of now.
        words: What messages say of an input that is another one; else its name.
    """
    words = words or {}
    if not found and wanted:
        return ["it does not say from what"]
    wanted, found = as_read(wanted), found or {}
    different = []
    for key in sorted({*found, *wanted}):
        before, now = found.get(key), wanted.get(key)
        if before == now:
            continue
        name = words.get(key, key)
        if isinstance(before, Mapping) and isinstance(now, Mapping):
            parts = sorted({*before, *now})
            parts = [part for part in parts if before.get(part) != now.get(part)]
            name += f": {', '.join(parts)}"
        different.append(name)
    return different
