"""One Ctrl-C ends a tool, whatever it is doing at that moment."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

# Seconds until an interrupt that was swallowed is made again.
_AGAIN = 0.05
_inside = False


@contextlib.contextmanager
def heeded() -> Iterator[None]:
    """Sees to it that an interrupt reaches the main thread, and it alone.

    Python drops a KeyboardInterrupt that is raised where nothing can be raised: in the
    callbacks around a fork, as workers are started, and in finalizers. It is made again
    then. A terminal interrupts all processes of a tool; those that were forked leave it
    to the first one, which ends them.
    """
    global _inside
    again = _Again(sys.unraisablehook)
    outer, _inside = _inside, True
    sys.unraisablehook = again
    try:
        yield
    finally:
        sys.unraisablehook, _inside = again.otherwise, outer
        again.cancel()


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


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
