"""What was found by measuring, kept, so that a run goes on with the same."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...utils.atomic import write_json
from ...utils.budgets import Budget
from ...utils.inputs import read_json, reading

#: Within the folder of a customization.
FITS = Path("costs", "fits.json")


def kept(folder: Path | None, budget: str, key: str, make: Callable[[], Any]) -> Any:
    """Returns what a budget of time pays for, measured once and for all.

    A machine never takes the same time twice. What other budgets pay for is counted,
    and comes out the same each time.

    Args:
        folder: Of the customization; None: nothing is kept.
        budget: In the user's words.
        key: Tells this question from others.
        make: Finds the answer, JSON-ready.
    """
    if folder is None or not budget or Budget.parse(budget).kind != "latency":
        return make()
    file = folder / FITS
    with reading(file):
        known = dict(read_json(file) if file.is_file() else {})
    key = f"{key} {budget}"
    if key not in known:
        known[key] = make()
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, known)
    return known[key]
