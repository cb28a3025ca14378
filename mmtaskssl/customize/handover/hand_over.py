"""What the user carries away: the backbone, and a config that trains with it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...export.export import export
from ...export.exported import Export
from ...networks import open_network
from ...runs import Record, State, as_read
from ..arms.known import ARMS
from ..race.answer import Answer
from .handed import Handed
from .host_config import CONFIG, host_config

BACKBONE = "backbone"


def hand_over(
    answer: Answer, out: Path, handed: Handed, log: Callable[[str], None]
) -> dict[str, Any]:
    """Exports the recommended network, and writes a host's config for it.

    Args:
        answer: For one budget.
        out: Receives ``backbone`` and ``config.py``.
        handed: Of the folder that what is returned is relative to: a config that was
            edited is set aside.
        log: Takes a line.

    Returns:
        What was written, JSON-ready.

    Raises:
        UserError: The network cannot be exported, or something else lies there.
    """
    arm, race = ARMS[answer.verdict.recommended], answer.race
    iters = answer.iters.get(arm.name, 0) if arm.images is not None else 0
    side, cost = arm.serves(race.case).side, race.cost(arm, iters)
    network = race.network(arm, iters)
    (made,) = export(network, image_size=side)
    folder = out / BACKBONE
    if not is_there(made, folder):
        made.save(folder, overwrite=True)
    open_network(folder)  # as its user will
    name = os.path.relpath(out / CONFIG, handed.out)
    handed.make_way(name)
    config = host_config(race.case.found.kind, folder, race.case.found, out=out)
    handed.wrote(name)
    log(f"backbone: {folder}\nconfig: {config}")
    return {
        "budget": race.case.budget,
        "arm": arm.name,
        "folder": os.path.relpath(folder, handed.out),
        "config": name,
        "side": side,
        "macs": cost.macs,
        "params": cost.params,
    }


def is_there(made: Export, folder: Path) -> bool:
    """Whether an export lies in its folder; that of an earlier answer gives way.

    Args:
        made: The export.
        folder: Its own.

    Raises:
        UserError: It is not as it was written.
    """
    work = made.work()
    record = Record.read(folder) if folder.is_dir() else None
    if record is not None and record.inputs != as_read(work.inputs):
        return False
    return work.state(folder) is State.COMPLETE
