"""``python -m mmtaskssl.engine.launch``: torchrun that passes exit status 2 on.

A process that ends with it has told the user what is wrong (`run_tool`); torchrun
would bury that sentence under its own traceback and exit with 1.
"""

import sys
from collections.abc import Sequence

from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.run import parse_args, run


def main(argv: Sequence[str] | None = None) -> int:
    """Starts the processes and waits for them.

    Args:
        argv: torchrun's arguments (None: those of this process).

    Returns:
        0, or 2 if a process ended with it.
    """
    try:
        run(parse_args(argv))
    except ChildFailedError as error:
        _, first = error.get_first_failure()
        if first.exitcode != 2:
            raise
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
