"""Two gloo processes on this machine's CPU."""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

Work = Callable[[int, Path], Any]


def in_two_processes(work: Work, folder: Path) -> list[Any]:
    """Runs ``work(rank, folder)``, a module's function, and returns both results.

    The process group is left to ``work``, or to the Runner that it builds.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    mp.spawn(_process, args=(port, folder, work), nprocs=2)
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
