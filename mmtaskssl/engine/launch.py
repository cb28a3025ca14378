"""``python -m mmtaskssl.engine.launch``: torchrun that passes exit status 2 on.

A process that ends with it has told the user what is wrong (`run_tool`); torchrun
would bury that sentence under its own traceback and exit with 1. Torchrun also leaves
each process one thread, which is right beside a GPU and a waste without one.
"""

import os
import sys
from collections.abc import Sequence

import torch
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.run import parse_args, run

from ..utils.cores import num_cores


def threads_per_process(processes: str) -> int:
    """Returns how many threads each process of this machine should compute with.

    Args:
        processes: Torchrun's ``--nproc_per_node``: a number, or ``auto``, ``gpu``, ...

    Returns:
        An equal share of the cores; 1 where GPUs compute, beside which the cores are
        the loading workers'.
    """
    if torch.cuda.is_available() or not processes.isdecimal():
        return 1
    return max(1, num_cores() // max(1, int(processes)))


def main(argv: Sequence[str] | None = None) -> int:
    """Starts the processes and waits for them.

    Args:
        argv: torchrun's arguments (None: those of this process).

    Returns:
        0, or 2 if a process ended with it.
    """
    args = parse_args(argv)
    threads = str(threads_per_process(str(args.nproc_per_node)))
    os.environ.setdefault("OMP_NUM_THREADS", threads)
    # mmengine would set it to 1 where it is not.
    os.environ.setdefault("MKL_NUM_THREADS", os.environ["OMP_NUM_THREADS"])
    try:
        run(args)
    except ChildFailedError as error:
        _, first = error.get_first_failure()
        if first.exitcode != 2:
            raise
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
