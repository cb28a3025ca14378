"""A routing into a folder, once."""

import dataclasses
import os
from pathlib import Path
from typing import Any

from ..clustering.clusters import Clusters
from ..networks import NetworkLike
from ..report.thumbs import shows
from ..runs import State
from .extracted import ProgressFactory
from .fine_tuner import FineTuner, Log
from .options import Options
from .output import REPORT, read_answer, work_of
from .problem import PathLike, prepare


def route_to_folder(
    out: str | os.PathLike,
    network: NetworkLike,
    target: PathLike,
    clusters: Clusters | PathLike | None = None,
    options: Options | None = None,
    *,
    fine_tune: FineTuner | None = None,
    overwrite: bool = False,
    thumbnails: bool = True,
    log: Log | None = None,
    progress: ProgressFactory | None = None,
) -> tuple[dict[str, Any], bool]:
    """Routes and writes a folder, or finds that it is there already.

    Args:
        out: The folder.
        network: See `route`, as for all but ``options`` and ``overwrite``.
        target: See above.
        clusters: See above.
        options: How to route; None: the defaults.
        fine_tune: See above.
        overwrite: Replace an earlier routing from other inputs.
        thumbnails: See above; a page that differs in this is written again.
        log: See above.
        progress: See above.

    Returns:
        The content of routing.json, and whether it is new.

    Raises:
        UserError: Bad input, or a folder that must not be replaced; nothing is written.
    """
    work_of({}).state(out, overwrite=True)  # foreign files are told before any work
    how = options or Options()
    problem = prepare(network, target, clusters, how, fine_tune, progress)
    state = work_of(problem.described).state(out, overwrite)
    if state is State.COMPLETE and shows(Path(out, REPORT), thumbnails):
        return read_answer(Path(out)), False
    routing = dataclasses.replace(problem.solve(log), thumbnails=thumbnails)
    routing.save(Path(out), overwrite)
    return routing.to_dict(), True
