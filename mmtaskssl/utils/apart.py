"""Calls functions in processes of their own, which may begin with slow imports done.

What a function leaves behind (memory, random states, a GPU's context) ends with its
process, and what it prints goes to a file. Importing torch and the OpenMMLab packages
takes a CPU ten seconds: a server process (`multiprocessing`'s forkserver) can do it
once, and each call then runs in a fork of it.
"""

import contextlib
import importlib
import multiprocessing
import os
import signal
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing import forkserver, resource_tracker
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from .errors import run_tool

# A new process takes this process's environment and main module along.
_ENVIRONMENT = threading.Lock()
# Processes that calls wait for, or are about to start.
_LIVE: set[BaseProcess] = set()
# Those of them that were told to end, maybe before they had begun.
_ENDED: set[BaseProcess] = set()
# The status of a process that was not to begin any more.
_NOT_BEGUN = 130
# Seconds that a process has to end in, once it was told to.
_PATIENCE = 10.0


def start_server(modules: Sequence[str]) -> bool:
    """Starts the server, which begins to import at once; returns whether there is one.

    There is none but on Linux: elsewhere system libraries do not survive a fork. The
    first call decides about the modules.

    Args:
        modules: What the functions need. They must not compute while they are imported,
            since a fork keeps none of the threads.
    """
    if sys.platform != "linux":
        return False
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([f"{__package__}.cuda_seen", *modules])
    # A Ctrl-C reaches it, too, while it imports, and it would say where that was. The
    # tracker would unblock the signal as it starts.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return True


def call_apart(
    function: Callable[..., Any] | str,
    arguments: Sequence[Any],
    options: Mapping[str, Any],
    log: Path,
    *,
    threads: int | None = None,
    env: Mapping[str, str] | None = None,
    warm: bool = False,
) -> int:
    """Calls a function in a process of its own; returns its exit status.

    Args:
        function: Of a module, at its top; or its name, "module:function". Of a result
            with a ``table()``, that is printed at the end.
        arguments: Plain values.
        options: Plain values, by name.
        log: Receives what is printed.
        threads: That it computes with; None: as many as anywhere else.
        env: Added to the environment, which libraries read while they are imported. Not
            with ``warm``.
        warm: Take a fork of the server, see `start_server`.

    Returns:
        0; 2 after a `UserError`, whose sentence is in the log; 1 after any other error.
    """
    if not isinstance(function, str):
        function = f"{function.__module__}:{function.__qualname__}"
    work = (function, tuple(arguments), dict(options), str(log), threads)
    method, env = ("forkserver", {}) if warm else ("spawn", dict(env or {}))
    if threads is not None and not warm:
        env["OMP_NUM_THREADS"] = str(threads)
    arguments = (*work, True) if warm else work
    process = multiprocessing.get_context(method).Process(target=_call, args=arguments)
    _LIVE.add(process)
    try:
        with _ENVIRONMENT, _hidden_main(function), _added(env):
            if process not in _ENDED:
                process.start()  # which waits for the server, and that for its imports
        if process in _ENDED:
            _end([process])
            return _NOT_BEGUN
        process.join()
    except BaseException:  # an interrupt: nobody waits for it any more
        _end([process])
        raise
    finally:
        _LIVE.discard(process)
        _ENDED.discard(process)
    return process.exitcode or 0


@contextlib.contextmanager
def _added(env: Mapping[str, str]) -> Iterator[None]:
    """Adds to the environment, which a new process takes along."""
    before = dict(os.environ)
    try:
        os.environ.update(env)
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def end_all() -> None:
    """Ends all processes that calls wait for, in whatever thread.

    Those that are only being started are ended as soon as they are.
    """
    processes = [*_LIVE]
    _ENDED.update(processes)
    _end(processes)


def _end(processes: Sequence[BaseProcess]) -> None:
    begun = [process for process in processes if process.pid is not None]
    for process in begun:
        process.terminate()
    until = time.monotonic() + _PATIENCE
    for process in begun:
        process.join(max(0.0, until - time.monotonic()))
        if process.is_alive():
            process.kill()


@contextlib.contextmanager
def _hidden_main(function: str) -> Iterator[None]:
    """Keeps the new process from running the user's script once more.

    It would import it, as `multiprocessing` does, and without the customary
    ``if __name__ == "__main__"`` all of it would run. What a config needs of a user's
    own modules it names (``custom_imports``).
    """
    if function.startswith("__main__:"):
        yield
        return
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _call(
    name: str,
    arguments: tuple[Any, ...],
    options: dict[str, Any],
    log: str,
    threads: int | None,
    warm: bool = False,
) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(descriptor, stream.fileno())
    os.close(descriptor)
    # Workers of the function's own are started as anywhere else.
    multiprocessing.set_start_method(None, force=True)
    module, _, inner = name.partition(":")
    if warm:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # of the server
        from .cuda_seen import CUDA_SEEN

        if CUDA_SEEN:  # whose driver does not survive a fork
            sys.exit(call_apart(name, arguments, options, Path(log), threads=threads))
    if threads is not None and "torch" in sys.modules:  # else it reads OMP_NUM_THREADS
        sys.modules["torch"].set_num_threads(threads)

    def main(_: Sequence[str] | None) -> None:
        result = getattr(importlib.import_module(module), inner)(*arguments, **options)
        if hasattr(result, "table"):
            print(result.table())

    run_tool(main)
