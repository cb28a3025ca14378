"""The process group of an extraction."""

import datetime
import os

import torch
from mmengine.dist import init_dist

from ..utils.errors import option
from ..utils.families import BadLaunch

# Ranks only wait for each other's shards, which may take long.
_TIMEOUT = datetime.timedelta(days=2)


def init_ranks(launcher: str) -> None:
    """Joins the ranks of ``launcher`` ("none" does nothing), with or without GPUs.

    Only barriers are exchanged, so gloo serves both.

    Raises:
        UserError: Without GPUs, a launcher other than torchrun, or no torchrun.
    """
    if launcher == "none":
        return
    if torch.cuda.is_available():
        init_dist(launcher, backend="gloo", timeout=_TIMEOUT.total_seconds())
        return
    if launcher != "pytorch" or "RANK" not in os.environ:
        raise BadLaunch(
            f"{option('launcher')} {launcher} on a machine without a GPU needs pytorch "
            "and torchrun: torchrun --nproc_per_node 2 TOOL ... --launcher pytorch"
        )
    # mmengine's own start-up selects a CUDA device first.
    torch.distributed.init_process_group("gloo", timeout=_TIMEOUT)
