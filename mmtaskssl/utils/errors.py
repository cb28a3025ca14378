"""One sentence for what a user can cause, a traceback for what only we can."""

import contextvars
import difflib
import os
import sys
from collections.abc import Callable, Iterable, Sequence

from .interrupts import heeded

# The flags of the tool that runs; none in a program that calls functions.
_FLAGS: contextvars.ContextVar[frozenset[str]] = contextvars.ContextVar(
    "flags", default=frozenset()
)


class UserError(Exception):
    """Bad input: its message says in one sentence what is wrong and what to do."""


def set_flags(flags: Iterable[str] = ()) -> None:
    """Says which flags the tool that runs has; a parser does.

    Args:
        flags: ``--overwrite`` and the like.
    """
    _FLAGS.set(frozenset(flags))


#: Flags of other names than the arguments that they give.
_OTHER_FLAGS = {
    "threshold": ("--leak-threshold",),
    "metrics": ("--metric",),
    "trust": ("--trust-checkpoint",),
}


def option(name: str, *others: str) -> str:
    """Names an option in a message, the way that the reader can give it.

    Args:
        name: Of the argument in Python, such as ``max_pixels``.
        *others: Flags of other names that mean it in some tools.

    Returns:
        The flag, ``--max-pixels``, where a tool runs that has it; else the quoted name.
    """
    flags = _FLAGS.get()
    flags_of_it = [f"--{name.replace('_', '-')}", *_OTHER_FLAGS.get(name, ()), *others]
    flags_of_it += [f"-{name}"] * (len(name) == 1)
    for flag in flags_of_it:
        if flag in flags:
            return flag
    return f"`{name}`"


def meant(word: str, known: Iterable[str]) -> str:
    """Returns "; did you mean ...?", or "" where nothing known is like the word."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def run_tool(main: Callable[[Sequence[str] | None], int | None]) -> None:
    """Runs a tool's ``main(argv)`` and ends the process.

    A `UserError` becomes ``error: <sentence>`` on stderr and exit status 2; an
    interrupt exits with 130, and output that nobody reads on with 141, as shells have
    it. Everything else keeps its traceback.

    Args:
        main: Takes the argument list (None: ``sys.argv[1:]``); returns an exit
            status or None.
    """
    try:
        with heeded():
            status = main(None)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        status = 2
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        status = 130
    except BrokenPipeError:  # the reader of a pipe has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 141
    sys.exit(status or 0)
