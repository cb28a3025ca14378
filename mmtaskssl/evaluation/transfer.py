"""The transfer protocol: every public data set on this disk, by frozen features."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..datasets.transfer_sets import ELEVEN_SETS, TransferSet
from ..features.opening import NetworkLike, Running, check_running, open_runner
from ..runs import ResultFile
from ..utils import checks
from ..utils.devices import AUTO, pick_device
from .target import Log
from .transfer_evaluation import WHAT, TransferEvaluation, is_transfer_evaluation
from .transfer_probes import PROBES
from .transfer_protocol import TransferProtocol

if TYPE_CHECKING:
    from typing_extensions import Unpack

PathLike = str | os.PathLike


def evaluate_transfer(
    network: NetworkLike,
    root: PathLike,
    out: PathLike | None = None,
    *,
    sets: Sequence[str] | None = None,
    probes: Sequence[str] = ("linear",),
    overwrite: bool = False,
    keep: PathLike | None = None,
    log: Log = lambda text: None,
    **running: Unpack[Running],
) -> TransferEvaluation:
    """Measures one network, frozen, on public classification sets.

    The images' short side is resized to the crop's own side (Kornblith et al., CVPR
    2019; SimCLR, BYOL): nothing of a square image is lost.

    Args:
        network: See `open_extractor`.
        root: The folder that the sets lie in, as torchvision lays them out; those that
            are not there are skipped.
        out: Keeps the features and ``results.json``, for one network: what is done
            there already is not done again. None: everything stays in memory.
        sets: Names, or configs' files, see `TransferSet.read`; None: the eleven of the
            SDR paper.
        probes: Of `PROBES`: ``linear``, ``knn``, ``svm`` (sets with several labels).
        overwrite: Remove earlier results in ``out``.
        keep: JSON file that receives the result.
        log: Takes lines on the progress.
        **running: Of the network and of what runs it, see `open_runner`; classifiers
            are fitted on its ``device``, too.

    Returns:
        A row for each set and probe; sets that are not there by name.

    Raises:
        UserError: None of the sets is there, one is damaged, the network cannot be
            used, or ``out`` or ``keep`` holds anything else.
    """
    checks.listed("probes", probes, "names")
    for name in probes:
        checks.one_of("probes", name, PROBES)
    checks.path_like("root", root)
    checks.path_like("out", out, none=True)
    checks.path_like("keep", keep, none=True)
    checks.flag("overwrite", overwrite)
    checks.function("log", log)
    check_running(running)
    tasks = [TransferSet.read(name) for name in dict.fromkeys(sets or ELEVEN_SETS)]
    file = None
    if keep is not None:
        file = ResultFile(Path(keep), WHAT, is_transfer_evaluation)
        file.read()  # before any work: anything else there is refused
    runner = open_runner(network, **running)
    place = None if out is None else Path(out)
    protocol = TransferProtocol(
        runner, Path(root), place, pick_device(running.get("device", AUTO)), log
    )
    result = protocol.run(tasks, list(dict.fromkeys(probes)), overwrite)
    if file is not None:
        file.write(result.to_dict())
    return result
