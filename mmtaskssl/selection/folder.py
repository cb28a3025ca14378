"""A selection into a folder, once."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..runs import State
from . import output
from .select import Log, ProgressFactory, StoreLike, prepare
from .selected import work_of


def select_to_folder(
    out: str | os.PathLike,
    pool: StoreLike,
    target: StoreLike | Sequence[StoreLike],
    budget: int | str,
    *,
    overwrite: bool = False,
    report: bool = True,
    log: Log | None = None,
    progress: ProgressFactory | None = None,
    **options: Any,
) -> tuple[dict[str, Any], bool]:
    """Selects images and writes a folder, or finds that it is there already.

    Args:
        out: The folder.
        pool: See `select`, as for ``target``, ``budget``, ``log``, ``progress``.
        target: See above.
        budget: See above.
        overwrite: Replace an earlier selection from other inputs.
        report: Whether to write the HTML page.
        log: See above.
        progress: See above.
        **options: The others of `select`.

    Returns:
        The content of summary.json, and whether it is new.

    Raises:
        UserError: Bad input, or a folder that must not be replaced; nothing is written.
    """
    problem = prepare(pool, target, budget, **options)
    state = work_of(problem.described).state(out, overwrite)
    wanted = [name for name in output.FILES if report or name != output.REPORT]
    if state is State.COMPLETE and all(Path(out, name).is_file() for name in wanted):
        return output.read_summary(out), False
    selected = problem.solve(log, progress)
    selected.save(out, overwrite=overwrite, report=report)
    return dict(selected.summary), True
