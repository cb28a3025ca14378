"""Clusters into a folder, once."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..features.sources import StoreLike
from ..report.thumbs import shows
from ..runs import State, Work
from ..utils.errors import UserError
from .clusters import Clusters
from .files import PARTS, REPORT, work_of
from .options import Options
from .problem import Problem, prepare
from .tree import ProgressFactory

if TYPE_CHECKING:
    from ..features.opening import NetworkLike
    from ..features.runner import BatchRunner


def cluster_to_folder(
    out: str | os.PathLike,
    pool: StoreLike,
    options: Options,
    *,
    labels: str | os.PathLike | Sequence[str | None] | None = None,
    pool_root: str | os.PathLike | None = None,
    network: NetworkLike | BatchRunner | None = None,
    overwrite: bool = False,
    report: bool = True,
    thumbnails: bool = True,
    log: Callable[[str], None] | None = None,
    progress: ProgressFactory | None = None,
) -> tuple[Clusters, bool]:
    """Clusters a pool and writes a folder, or finds that it is there already.

    A call that was interrupted goes on after the last level that it finished.

    Args:
        out: The folder.
        pool: See `cluster`, as for what is not named here.
        options: How to cluster.
        labels: See above.
        pool_root: See above.
        network: See above.
        overwrite: Replace earlier clusters from other inputs.
        report: Whether to write the HTML page.
        thumbnails: See above; a page that differs in this is written again.
        log: See above.
        progress: See above.

    Returns:
        The clusters, and whether they are new.

    Raises:
        UserError: Bad input, or a folder that must not be replaced; nothing is written.
    """
    problem = prepare(pool, options, labels, pool_root, network)
    work = work_of(problem.inputs)
    state = _state(work, out, overwrite)
    if state is State.COMPLETE:
        known = Clusters.open(out)
        page = Path(out, REPORT)
        lacks_page = (report and not page.is_file()) or not shows(page, thumbnails)
        if _has_all(known, problem, lacks_page):
            return known, False
        clusters = problem.solve(log, progress, leaf=known.leaf)
        clusters = dataclasses.replace(clusters, thumbnails=thumbnails)
        clusters.save(out, report=report)
        return clusters, True
    if state is State.REPLACE:
        work.clear(out)
    with work.growing(out) as growing:
        parts = growing.path / PARTS.partition("-")[0]
        clusters = problem.solve(log, progress, parts)
        clusters = dataclasses.replace(clusters, thumbnails=thumbnails)
        clusters.write_files(growing.path, report)
        for level in range(len(options.tree)):
            Path(f"{parts}-level{level}.npy").unlink(missing_ok=True)
        growing.finish()
    return clusters, True


def _state(work: Work, out: str | os.PathLike, overwrite: bool) -> State:
    """Looks at the folder; what was begun from the same inputs is never replaced."""
    try:
        state = work.state(out)
    except UserError:
        if not overwrite:
            raise
        return work.state(out, overwrite=True)
    return State.REPLACE if overwrite and state is State.COMPLETE else state


def _has_all(known: Clusters, problem: Problem, lacks_report: bool) -> bool:
    table = known.manifest.get("labels", {}).get("table")
    wanted = None if problem.labels is None else problem.labels.source
    return known.root == problem.root and not lacks_report and wanted in (None, table)
