"""One sentence for what a user can cause, a traceback for what only we can."""

import contextvars
import difflib
import errno
import io
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .families import DiskFull, FileMissing, OutOfMemory, SystemRefused, UserError
from .interrupts import heeded, how_to_go_on, was_terminated
from .redaction import redacted

__all__ = ["UserError", "meant", "option", "refusal", "run_tool", "set_flags"]

# The flags of the tool that runs; none in a program that calls functions.
_FLAGS: contextvars.ContextVar[frozenset[str]] = contextvars.ContextVar(
    "flags", default=frozenset()
)


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
    "thumbnails": ("--no-images",),
    "trust": ("--trust-checkpoint",),
}


def option(name: str, *others: str, of: str = "") -> str:
    """Names an option in a message, the way that the reader can give it.

    Args:
        name: Of the argument in Python, such as ``max_pixels``.
        *others: Flags of other names that mean it in some tools.
        of: The verb that has it, where the one that runs need not.

    Returns:
        The flag, ``--max-pixels``, where a tool runs that has it, or with its verb,
        ``extract --leak-copies``, where another does; else the quoted name.
    """
    flags = _FLAGS.get()
    flags_of_it = [f"--{name.replace('_', '-')}", *_OTHER_FLAGS.get(name, ()), *others]
    flags_of_it += [f"-{name}"] * (len(name) == 1)
    for flag in flags_of_it:
        if flag in flags:
            return flag
    if flags and of:
        return f"`{of} {flags_of_it[0]}`"
    return f"`{name}`"


# What can be done about errors of the system.
_HINTS = {
    errno.ENOSPC: "make room, and run the same command again",
    errno.EDQUOT: "make room, and run the same command again",
    errno.EACCES: "who runs this may not; name another place, or change its rights",
    errno.EPERM: "who runs this may not; name another place, or change its rights",
    errno.EROFS: "name a place that can be written to",
    errno.ENAMETOOLONG: "name a shorter one",
    errno.ENOTDIR: "a part of the path is a file, where a folder is meant",
    errno.EEXIST: "it is a file, where a folder is meant",
    errno.EISDIR: "it is a folder, where a file is meant",
    errno.EMFILE: "raise the limit of open files, `ulimit -n`",
    errno.EIO: "the disk may be failing; run the same command again",
    errno.ESTALE: "the network's disk was lost; run the same command again",
}
# As torch says it of the CPU and of a GPU.
_NO_MEMORY = ("can't allocate memory", "out of memory", "Cannot allocate memory")


def meant(word: str, known: Iterable[str]) -> str:
    """Returns "; did you mean ...?", or "" where nothing known is like the word."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


# Those of the system that other sentences of ours are of, too.
_FAMILIES: dict[int, type[UserError]] = {
    errno.ENOSPC: DiskFull,
    errno.EDQUOT: DiskFull,
    errno.ENOENT: FileMissing,
    errno.ENOMEM: OutOfMemory,
}


def refusal(error: BaseException) -> UserError | None:
    """Says in one sentence what the machine refused: a file, the disk, memory.

    Args:
        error: Whatever a tool raised.

    Returns:
        None where the error is of another kind, probably ours.
    """
    if isinstance(error, OSError):
        if not error.strerror:  # of a library, which has no file to name
            return None
        named = [os.fsdecode(x) for x in (error.filename, error.filename2) if x]
        what = " and ".join(named) or "a file could not be read or written"
        hint = _HINTS.get(error.errno or 0, "")
        family = _FAMILIES.get(error.errno or 0, SystemRefused)
        return family(f"{what}: {error.strerror}" + (f"; {hint}" if hint else ""))
    text = str(error)
    if isinstance(error, MemoryError) or any(words in text for words in _NO_MEMORY):
        return OutOfMemory(
            "there is not enough memory: take fewer images at once or a smaller side, "
            "or another machine"
        )
    # torch writes by itself, and says so in its own words.
    if "inline_container" in text and ("write" in text or "unexpected pos" in text):
        return DiskFull(
            "a checkpoint could not be written: is the disk full? Make room, and run "
            "the same command again"
        )
    return None


def run_tool(main: Callable[[Sequence[str] | None], int | None]) -> None:
    """Runs a tool's ``main(argv)`` and ends the process.

    A `UserError` becomes ``error: SENTENCE [CODE]`` on stderr and exit status 2, and
    so does what the machine refuses, see `refusal`; an interrupt exits with 130, a
    SIGTERM with 143, and output that nobody reads on with 141, as shells have it.
    Everything else keeps its traceback.

    Args:
        main: Takes the argument list (None: ``sys.argv[1:]``); returns an exit
            status or None.
    """
    for stream in (sys.stdout, sys.stderr):  # a file's name may be any bytes
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.excepthook = _show_traceback
    try:
        with heeded():
            status = main(None)
    except UserError as error:
        print(f"error: {error.line()}", file=sys.stderr)
        status = 2
    except KeyboardInterrupt:
        print(f"error: interrupted{how_to_go_on()}", file=sys.stderr)
        status = 143 if was_terminated() else 130
    except BrokenPipeError:  # the reader of a pipe has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 141
    except (OSError, MemoryError, RuntimeError) as error:
        refused = refusal(error)
        if refused is None:
            raise
        print(f"error: {refused.line()}", file=sys.stderr)
        status = 2
    sys.exit(status or 0)


def _show_traceback(*raised: Any) -> None:
    print(
        redacted("".join(traceback.format_exception(*raised))), end="", file=sys.stderr
    )
