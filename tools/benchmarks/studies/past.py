"""Rows of the table of past studies, from the figures that studies have left."""

import re
import statistics
from collections.abc import Iterator, Mapping
from typing import Any

from mmtaskssl.customize.diagnosis.choice import LEVERS
from mmtaskssl.customize.diagnosis.past_studies import UNTRAINED, PastStudy

_RESULT = re.compile(r"seed(\d+)/results/(\d+)px-(.+)-(\w+)\.json")
# All arms were raced with the first seed alone.
_CUSTOMIZED = re.compile(r"seed0/results/(.+)-(?:start|none)\.json")
#: Arms of starts_evidence.py, by what `customize` calls them.
_ARMS = {"selfres-sept": "continued", "selfres-random": "continued-random"}


def gains_of_starts(
    figures: Mapping[str, Any],
) -> dict[tuple[int, str], tuple[int, dict[str, float]]]:
    """Returns what starts_evidence.py found, by side and target.

    Args:
        figures: As results/starts.json holds them.

    Returns:
        Of each the seeds that all arms have, and by lever the points of linear accuracy
        on the test images above the public weights as they are, mean over these seeds.
    """
    tests: dict[tuple[int, str], dict[str, dict[int, float]]] = {}
    for name, found in figures.items():
        match = _RESULT.fullmatch(name)
        assert match is not None, name
        seed, side, arm, target = match.groups()
        arms = tests.setdefault((int(side), target), {})
        arms.setdefault(arm, {})[int(seed)] = found["test"]["linear"]
    gains = {}
    for key, arms in sorted(tests.items()):
        seeds = sorted(set.intersection(*({*arms.get(arm, ())} for arm in _ARMS)))
        if seeds and "public" in arms:
            gains[key] = (
                len(seeds),
                {
                    lever: round(
                        statistics.fmean(arms[arm][s] for s in seeds)
                        - arms["public"][0],
                        3,
                    )
                    for arm, lever in _ARMS.items()
                },
            )
    return gains


def row_of_customization(target: str, found: Mapping[str, Any]) -> PastStudy | None:
    """Returns what a customization adds.

    Gains are of folds of the training images, where all arms were judged; those that
    were left behind in the race have what they had then.

    Args:
        target: Its name.
        found: See `customizing.figures_of`.

    Returns:
        None: the start (without one, the untrained network) was not judged.
    """
    known = found["diagnosis"]
    begun, start = "start", known["start"]
    if known["given"] != "start":
        begun, start = "untrained", UNTRAINED
    folds = {arm["name"]: arm["folds"] for arm in found["arms"] if arm["folds"]}
    if begun not in folds:
        return None
    gains = {
        name: round(value - folds[begun], 3)
        for name, value in folds.items()
        if name in LEVERS and name != begun
    }
    before = {name: round(value, 3) for name, value in known["before"].items()}
    return PastStudy("customize", target, start, known["side"], 1, before, gains)


def rows_of_customizing(figures: Mapping[str, Any]) -> Iterator[PastStudy]:
    """Yields the rows of customize_evidence.py.

    Args:
        figures: As results/customize.json holds them.
    """
    for name, found in sorted(figures.items()):
        match = _CUSTOMIZED.fullmatch(name)
        if match is None or found["kind"] != "classification":
            continue
        row = row_of_customization(match[1], found)
        if row is not None and row.gains:
            yield row
