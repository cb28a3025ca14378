"""One Ctrl-C, or a SIGTERM, ends a tool and all that it has started."""

import contextlib
import os
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

# Seconds until an interrupt that was swallowed is made again.
_AGAIN = 0.05
# Seconds within which one of several processes gets a SIGTERM twice, of its group and
# of its launcher, which had it too: no second one.
_SAME = 5.0
_inside = False
_terminated = False
# Whether a SIGTERM waits for the end of a step, and whether one does so now.
_deferring = False
_asked = False
_asked_at = -_SAME
# Flags with which interrupted work goes on; None: nothing that goes on was interrupted.
_again: tuple[str, ...] | None = None


def was_terminated() -> bool:
    """Whether the interrupt that is dealt with was a SIGTERM."""
    return _terminated


@contextlib.contextmanager
def going_on(*flags: str) -> Iterator[None]:
    """Around work that goes on after an interrupt, if the same command is given again.

    Args:
        *flags: That the command must have then.
    """
    global _again
    try:
        yield
    except KeyboardInterrupt:
        _again = flags  # of several, one within the other, the outermost
        raise


def how_to_go_on() -> str:
    """Returns "; go on with: COMMAND" after `going_on` was interrupted, else ""."""
    if _again is None:
        return ""
    if _are_several():  # its launcher's command is not ours
        return "; go on with the same command" + "".join(f" and {f}" for f in _again)
    name, *arguments = sys.argv
    # A verb's is "mmtaskssl VERB".
    program = name if name.startswith("mmtaskssl ") else f"python {shlex.quote(name)}"
    missing = [flag for flag in _again if flag not in arguments]
    return f"; go on with: {program} {shlex.join([*arguments, *missing])}".rstrip()


@contextlib.contextmanager
def deferred() -> Iterator[None]:
    """Lets a first SIGTERM wait until what runs asks for it, see `end_if_asked`.

    What asks does so often; a second SIGTERM interrupts at once.
    """
    global _deferring, _asked
    _deferring, _asked = True, False
    try:
        yield
    finally:
        _deferring = False
    end_if_asked()


def is_asked() -> bool:
    """Whether a SIGTERM waits for the end of what runs."""
    return _asked


def end_if_asked() -> None:
    """Interrupts, if a SIGTERM has come that waits."""
    if _asked:
        end_together()


def end_together() -> None:
    """Interrupts as after a SIGTERM, whichever of several processes had it."""
    global _asked, _terminated
    _asked, _terminated = False, True
    raise KeyboardInterrupt


def _are_several() -> bool:
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


@contextlib.contextmanager
def heeded() -> Iterator[None]:
    """Sees to it that an interrupt reaches the main thread, and it alone.

    Python drops a KeyboardInterrupt that is raised where nothing can be raised: in the
    callbacks around a fork, as workers are started, and in finalizers. It is made again
    then. A terminal interrupts all processes of a tool; those that were forked leave it
    to the first one, which ends them. A SIGTERM interrupts, too, unless somebody else
    deals with it: by itself it would leave what was started behind, at work.
    """
    global _inside, _terminated, _again
    again = _Again(sys.unraisablehook)
    outer, _inside, _terminated, _again = _inside, True, False, None
    sys.unraisablehook = again
    ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    )
    if ours:
        signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        sys.unraisablehook, _inside = again.otherwise, outer
        again.cancel()


def _terminate(number: int, frame: object) -> None:
    global _terminated, _asked, _asked_at
    _terminated = True
    now = time.monotonic()
    if _are_several() and now - _asked_at < _SAME:
        return
    if _deferring and not _asked:
        _asked, _asked_at = True, now
        return
    raise KeyboardInterrupt


class _Again:
    """A hook for what Python drops, which makes an interrupt again, once."""

    def __init__(self, otherwise: Callable[[Any], None]) -> None:
        self.otherwise = otherwise
        self._timer: threading.Timer | None = None

    def __call__(self, dropped: Any) -> None:
        if not issubclass(dropped.exc_type, KeyboardInterrupt):
            self.otherwise(dropped)
        elif self._timer is None or not self._timer.is_alive():
            # A signal, which also wakes the thread from whatever it waits for.
            main = threading.main_thread().ident
            arguments = (main, signal.SIGINT)
            self._timer = threading.Timer(_AGAIN, signal.pthread_kill, arguments)
            self._timer.daemon = True
            self._timer.start()

    def cancel(self) -> None:
        """Forgets an interrupt that is still to be made."""
        if self._timer is not None:
            self._timer.cancel()


def _forked() -> None:
    if _inside:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if signal.getsignal(signal.SIGTERM) is _terminate:  # by which pools end theirs
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
