"""Rows of the table of past studies, from the figures that studies have left."""

import re
import statistics
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmtaskssl.customize.diagnosis.past_studies import PastStudy
from mmtaskssl.customize.diagnosis.recommend import LEVERS

_RESULT = re.compile(r"seed(\d+)/results/(\d+)px-(.+)-(\w+)\.json")
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


def rows_of_record(record: Mapping[str, Any]) -> Iterator[PastStudy]:
    """Yields a row for each budget of a finished run of `customize`.

    One without a test of the start as it is, or of anything beside it, has none.

    Args:
        record: What record.json holds.
    """
    said = record["diagnosis"]
    name = said["recommendation"]["start"]
    begun = next(start for start in said["starts"] if start["name"] == name)
    for budget in record["budgets"]:
        tests = {
            arm["name"]: (arm["side"], arm["test"]["linear"])
            for arm in record["arms"]
            if arm["budget"] == budget and arm["name"] in LEVERS and arm["test"]
        }
        if "start" not in tests or len(tests) < 2:
            continue
        side, own = tests.pop("start")
        before = _before(begun, said["likeness"]["closest"], side)
        yield PastStudy(
            "customize",
            _name(record),
            begun["name"],
            side,
            min(len(values) for _, values in tests.values()),
            before,
            {
                lever: round(statistics.fmean(values) - statistics.fmean(own), 3)
                for lever, (_, values) in tests.items()
            },
        )


def _before(
    begun: Mapping[str, Any], closest: float | None, side: int
) -> dict[str, float]:
    means = {one["side"]: one["mean"]["linear"] for one in begun["sides"]}
    found = {"linear": means[side]}
    if max(means) > side:
        found["headroom"] = means[max(means)] - means[side]
    if closest is not None:
        found["closeness"] = closest
    return {key: round(value, 3) for key, value in found.items()}


def _name(record: Mapping[str, Any]) -> str:
    root = Path(record["inputs"]["target"]["train"]["root"])
    return root.parent.name if root.name == "train" else root.name
