"""A selection into a folder, once."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..features.sources import StoreLike
from ..report.thumbs import shows
from ..runs import State
from ..utils.inputs import reading
from . import output
from .options import Options
from .problem import Log, ProgressFactory, prepare
from .selected import work_of

if TYPE_CHECKING:
    from ..features.opening import NetworkLike
    from ..features.runner import BatchRunner


def select_to_folder(
    out: str | os.PathLike,
    pool: StoreLike,
    target: StoreLike | Sequence[StoreLike],
    budget: int | str,
    options: Options,
    *,
    exclude: Sequence[StoreLike] = (),
    unlike: Sequence[StoreLike] = (),
    network: NetworkLike | BatchRunner | None = None,
    overwrite: bool = False,
    report: bool = True,
    thumbnails: bool = True,
    log: Log | None = None,
    progress: ProgressFactory | None = None,
) -> tuple[dict[str, Any], bool]:
    """Selects images and writes a folder, or finds that it is there already.

    Args:
        out: The folder.
        pool: See `select`, as for what is not named here.
        target: See above.
        budget: See above.
        options: How to select.
        exclude: See above.
        unlike: See above.
        network: See above.
        overwrite: Replace an earlier selection from other inputs.
        report: Whether to write the HTML page.
        thumbnails: See above; a page that differs in this is written again.
        log: See above.
        progress: See above.

    Returns:
        The content of summary.json, and whether it is new.

    Raises:
        UserError: Bad input, or a folder that must not be replaced; nothing is written.
    """
    problem = prepare(pool, target, budget, options, exclude, network, unlike)
    state = work_of(problem.inputs).state(out, overwrite)
    wanted = [name for name in output.FILES if report or name != output.REPORT]
    whole = all(Path(out, name).is_file() for name in wanted)
    fits = shows(Path(out, output.REPORT), thumbnails)
    if state is State.COMPLETE and whole and fits:
        with reading(Path(out, output.SUMMARY)):
            return output.read_summary(out), False
    selected = problem.solve(log, progress)
    selected = dataclasses.replace(selected, thumbnails=thumbnails)
    selected.save(out, overwrite=overwrite, report=report)
    return dict(selected.summary), True
