"""Runs tools in processes that begin with the slow imports done.

Importing torch and the OpenMMLab packages takes a CPU ten seconds. A server process
(`multiprocessing`'s forkserver) does it once, and each tool runs in a fork of it: as
much a process of its own as one that is started anew.
"""

import multiprocessing
import os
import runpy
import sys
from collections.abc import Sequence
from multiprocessing import forkserver
from pathlib import Path


def start_server(modules: Sequence[str]) -> bool:
    """Starts the server, which begins to import at once; returns whether there is one.

    There is none but on Linux: elsewhere system libraries do not survive a fork. The
    first call decides about the modules.

    Args:
        modules: What the tools import. They must not compute while they are imported,
            since a fork keeps none of the threads.
    """
    if sys.platform != "linux":
        return False
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([f"{__package__}.cuda_seen", *modules])
    forkserver.ensure_running()
    return True


def run_warm(
    script: Path, arguments: Sequence[str], log: Path, threads: int | None = None
) -> int:
    """Runs a Python script in a fork of the server; returns its exit status.

    Args:
        script: The script.
        arguments: Its command line.
        log: Receives what it prints.
        threads: That it computes with; None: as many as without this module.
    """
    context = multiprocessing.get_context("forkserver")
    work = (str(script), list(arguments), log, threads)
    process = context.Process(target=_run, args=work)
    process.start()
    process.join()
    return process.exitcode


def _run(script: str, arguments: list[str], log: Path, threads: int | None) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(descriptor, stream.fileno())
    os.close(descriptor)
    from .cuda_seen import CUDA_SEEN

    if CUDA_SEEN:  # whose driver does not survive a fork
        if threads is not None:
            os.environ["OMP_NUM_THREADS"] = str(threads)
        os.execv(sys.executable, [sys.executable, script, *arguments])
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
    # Workers of the script's own are started as anywhere else, not by a further server.
    multiprocessing.set_start_method(None, force=True)
    sys.argv = [script, *arguments]
    sys.path.insert(0, os.path.dirname(script))
    runpy.run_path(script, run_name="__main__")
