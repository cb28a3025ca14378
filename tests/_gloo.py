"""Processes that start at once, and two of them with gloo on this machine's CPU."""

import multiprocessing
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

Work = Callable[[int, Path], Any]

# Of what `server` forks; no modules of tests.
_IMPORTS = ["mmtaskssl.engine.run", "mmtaskssl.models.algorithms"]


def server() -> multiprocessing.context.BaseContext:
    """Starts processes that know nothing of this one, and need not import torch anew.

    They are forks of one server that has only imported, and have the environment of its
    first use. With a GPU they are new ones: what mmengine asks for as it is imported
    keeps forks from CUDA.
    """
    if torch.cuda.is_available():
        return multiprocessing.get_context("spawn")
    multiprocessing.set_forkserver_preload(_IMPORTS)
    return multiprocessing.get_context("forkserver")


def in_two_processes(work: Work, folder: Path) -> list[Any]:
    """Runs ``work(rank, folder)``, a module's function, and returns both results.

    The process group is left to ``work``, or to the Runner that it builds. For what the
    processes have of this one see `server`.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    method = server().get_start_method()
    mp.start_processes(_process, (port, folder, work), 2, start_method=method)
    return [torch.load(folder / f"rank{rank}.pt") for rank in range(2)]


def _process(rank: int, port: int, folder: Path, work: Work) -> None:
    torch.set_num_threads(1)
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    torch.save(work(rank, folder), folder / f"rank{rank}.pt")
    dist.destroy_process_group()
