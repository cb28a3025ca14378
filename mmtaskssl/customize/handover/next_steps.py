"""What to try next, as far as the figures of a record say."""

import statistics
from collections.abc import Mapping
from typing import Any

from ...models.backbones.packaged import SMALLEST, package_of
from ...utils.errors import option
from ..customized import lengths_told
from ..inspection.inspected import DENSE
from .figures import arm_of, verdicts_of
from .forest import worst_case


def next_steps(record: Mapping[str, Any]) -> list[str]:
    """Returns sentences, what would change most first.

    Args:
        record: As `page` takes it; its own ``next``, sentences, come first.
    """
    found = [str(text) for text in record.get("next") or ()]
    for verdict in verdicts_of(record):
        place = verdict.get("budget")
        before = f"Budget {place}: " if place and len(verdicts_of(record)) > 1 else ""
        found += [before + text for text in _of_budget(record, verdict)]
    starts = (record.get("inputs") or {}).get("starts")
    if starts is not None and not starts:
        found.append(
            "No public weights were tried: name some that you have with "
            f"{option('start')} timm:NAME=FILE, or {SMALLEST} with those of a package "
            f"({package_of(*SMALLEST.split(':'))}): they are the strongest control."
        )
    found += lengths_told(record)
    return list(dict.fromkeys(found))


def _of_budget(record: Mapping[str, Any], verdict: Mapping[str, Any]) -> list[str]:
    found = []
    budget = verdict.get("budget")
    candidate = arm_of(record, verdict.get("candidate"), budget) or arm_of(
        record, verdict.get("chosen"), budget
    )
    if text := _still_rising(candidate):
        found.append(text)
    if verdict.get("note"):
        found.append(str(verdict["note"]))
    said = (record.get("diagnosis") or {}).get("recommendation") or {}
    lever = said.get("lever")
    if lever and verdict and not arm_of(record, lever, budget):
        found.append(
            f"The diagnosis recommends {lever}, which was not raced: name it among "
            f"{option('arms')}."
        )
    rows = list(verdict.get("differences") or ())
    kind = (record.get("inspection") or {}).get("kind")
    one = verdict.get("scope") == "these weights" and kind not in DENSE
    if rows and one and candidate.get("rungs"):
        found.append(
            "One training was compared, so the interval speaks of these weights alone: "
            f"{option('seeds')} 3 says whether the method does it again."
        )
    half = worst_case(rows)
    images = rows[0].get("images") if rows else None
    is_open = bool(rows) and rows[0]["low"] <= 0 <= rows[0]["high"]
    if half is not None and images and is_open:
        found.append(
            f"The {images:,} test images leave the difference open by ±{half:.1f} "
            f"points: four times as many, {4 * images:,}, would halve that."
        )
    return found


def _still_rising(arm: Mapping[str, Any]) -> str | None:
    """Says so where an arm's last rung gained more than a standard error."""
    rungs = list(arm.get("rungs") or ())
    if len(rungs) < 2:
        return None
    before, after = (r.get("inner", {}).get("linear") or () for r in rungs[-2:])
    if len(before) != len(after) or len(after) < 2:
        return None
    gaps = [b - a for a, b in zip(before, after, strict=True)]
    gain, error = statistics.fmean(gaps), statistics.stdev(gaps) / len(gaps) ** 0.5
    if gain <= error:
        return None
    return (
        f"{arm['name']} was still rising: {gain:+.1f} points from "
        f"{rungs[-2]['iters']:,} to {rungs[-1]['iters']:,} iterations. More "
        f"{option('time')}, or a larger {option('scale')}, may bring more."
    )
