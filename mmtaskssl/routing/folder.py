"""A routing into a folder, once."""

import os
from pathlib import Path
from typing import Any

from ..networks import NetworkLike
from ..runs import State
from .fine_tuner import Log
from .output import read_answer, work_of
from .route import PathLike, prepare


def route_to_folder(
    out: str | os.PathLike,
    network: NetworkLike,
    target: PathLike,
    *,
    overwrite: bool = False,
    log: Log | None = None,
    **options: Any,
) -> tuple[dict[str, Any], bool]:
    """Routes and writes a folder, or finds that it is there already.

    Args:
        out: The folder.
        network: See `route`, as for ``target`` and ``log``.
        target: See above.
        overwrite: Replace an earlier routing from other inputs.
        log: See above.
        **options: The others of `route`.

    Returns:
        The content of routing.json, and whether it is new.

    Raises:
        UserError: Bad input, or a folder that must not be replaced; nothing is written.
    """
    work_of({}).state(out, overwrite=True)  # foreign files are told before any work
    problem = prepare(network, target, **options)
    if work_of(problem.described).state(out, overwrite) is State.COMPLETE:
        return read_answer(Path(out)), False
    routing = problem.solve(log)
    routing.save(Path(out), overwrite)
    return routing.to_dict(), True
