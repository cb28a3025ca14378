"""What several commands say in the same words."""

import os

from ..utils.redaction import redacted


def say(text: str) -> None:
    """Prints a line at once, for those who watch a pipe or a log."""
    # At once to the end of the line: several trainings speak at a time.
    print(f"{redacted(text)}\n", end="", flush=True)


def say_complete(out: str | os.PathLike) -> None:
    """Says that there was nothing to do."""
    print(f"{os.fspath(out)} is complete already, from the same inputs: nothing to do")
