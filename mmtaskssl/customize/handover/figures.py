"""Figures of a record as text; of what is not there a dash."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from ...utils.tables import spread

DASH = "\N{EN DASH}"


def count(value: float | None) -> str:
    """Returns MACs or parameters with a letter for thousands and more."""
    if value is None:
        return DASH
    units = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
    for unit, letter in units:
        if value >= unit:
            digits = 0 if value >= 100 * unit else 1
            return f"{value / unit:.{digits}f} {letter}"
    return f"{value:.0f}"


def time(seconds: float | None) -> str:
    """Returns a time in the unit that it is told in."""
    if seconds is None:
        return DASH
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds // 60:.0f}:{seconds % 60:02.0f} min"
    return f"{seconds // 3600:.0f}:{seconds % 3600 // 60:02.0f} h"


def told_p(p: float) -> str:
    """Returns a p-value, of which no more is told than that it is below 0.001."""
    return "< 0.001" if p < 0.001 else f"{p:.2g}"


def over(values: Sequence[float] | None) -> str:
    """Returns mean ± standard deviation of repetitions."""
    return spread(values) if values else DASH


def of_folds(values: Sequence[float] | None) -> str:
    """Returns mean ± its standard error over folds."""
    if not values:
        return DASH
    mean = f"{statistics.fmean(values):.1f}"
    if len(values) < 2:
        return mean
    return f"{mean} ± {statistics.stdev(values) / len(values) ** 0.5:.1f}"


def last_rung(arm: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns what an arm had in the end, on folds of the training images."""
    rungs = arm.get("rungs") or ()
    return rungs[-1].get("inner") or {} if rungs else {}


def verdicts_of(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Returns the verdicts of a record, one a budget."""
    found = record.get("verdict") or []
    return [found] if isinstance(found, Mapping) else list(found)


def arm_of(
    record: Mapping[str, Any], name: str | None, budget: str | None
) -> Mapping[str, Any]:
    """Returns an arm of a budget; empty where it is not there."""
    for arm in record.get("arms") or ():
        if arm.get("name") == name and arm.get("budget") == budget:
            return arm
    return {}


def metric_of(arm: Mapping[str, Any]) -> str:
    """Returns what an arm was tested by: linear accuracy, or of a host's task its own.

    Args:
        arm: Of the record.
    """
    found = list(arm.get("test") or ())
    return "linear" if "linear" in found or not found else str(found[0])


def tested(arm: Mapping[str, Any], metric: str = "linear") -> list[float]:
    """Returns an arm's figures on the test images, one a training."""
    return list((arm.get("test") or {}).get(metric) or ())
