"""What the levers brought in past studies, and what that predicts."""

import dataclasses
import functools
import importlib.resources
import json
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

FILE = "past_studies.json"
FORMAT = 1
Fit = Callable[[float], float]
#: Levers, by the names of the arms of `customize`, whose gain over the start as it is
#: depends on what a diagnosis says before: where a start gains nothing from a higher
#: resolution, there is nothing to hand down.
COVARIATES = {
    "continued": "headroom",
    "continued-target": "headroom",
    "continued-random": "headroom",
}
#: Levers that begin with a network drawn at random. What they bring above that network
#: has nothing to do with the start; above the start it is less by what the start is
#: ahead, its ``lead``.
FROM_NOTHING = ("distilled", "scratch", "branched", "branched-long", "generic")
#: What a study without a start says that it began with.
UNTRAINED = "untrained"


@dataclasses.dataclass(frozen=True)
class PastStudy:
    """One target of one study.

    Attributes:
        study: Its name.
        target: Its name.
        start: What it began with.
        side: That the network serves at, pixels.
        seeds: Trainings that figures are means over.
        before: What a diagnosis said: ``linear``, ``headroom``, ``closeness``, and the
            ``lead`` of the start over a network of ours that is not trained.
        gains: By lever, points of linear accuracy above the start as it is (without
            one, above that network), on the test images or on folds of the training
            images; of arms that were left behind in a race as they stood then.
    """

    study: str
    target: str
    start: str
    side: int
    seeds: int
    before: Mapping[str, float]
    gains: Mapping[str, float]


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What a lever is expected to bring.

    Attributes:
        lever: Which.
        gain: Points of linear accuracy above the start as it is.
        studies: Targets of past studies that say so.
        error: Root of the mean squared error in points when each of them is predicted
            from the others; None of a single one.
        low: Least gain of these.
        high: Largest gain of these.
        within: Whether the target's own figures lie where theirs do.
        lead: Of levers that begin with an untrained network, how far the start is ahead
            of it; then ``low`` and ``high`` are gains above that network.
    """

    lever: str
    gain: float
    studies: int
    error: float | None
    low: float
    high: float
    within: bool
    lead: float | None = None

    def __str__(self) -> str:
        targets = f"{self.studies} past target{'s' if self.studies > 1 else ''}"
        error = (
            "how far off that may be is not known"
            if self.error is None
            else f"each of them, predicted from the others, was off by {self.error:.1f}"
        )
        gains = f"{self.low:+.1f} to {self.high:+.1f}"
        if self.lead is None:
            told = f"there it brought {gains}"
        else:
            told = f"there it ended {gains} above an untrained network"
            if self.lead:
                side = "above" if self.lead > 0 else "below"
                told += f", and this start is {abs(self.lead):.1f} {side} one"
        return f"{self.gain:+.1f} points are expected, from {targets}: {told}; {error}"


@dataclasses.dataclass(frozen=True)
class PastStudies:
    """A table of past studies.

    Attributes:
        rows: One a target and study.
        made_by: The command that made it.
    """

    rows: Sequence[PastStudy]
    made_by: str = ""

    def without(self, *targets: str) -> "PastStudies":
        """Returns the table without some targets, for judging predictions of them."""
        rows = [row for row in self.rows if row.target not in targets]
        return dataclasses.replace(self, rows=rows)

    def with_start(self) -> "PastStudies":
        """Returns the studies that began with trained weights."""
        rows = [row for row in self.rows if row.start != UNTRAINED]
        return dataclasses.replace(self, rows=rows)

    def without_start(self) -> "PastStudies":
        """Returns the studies that began with a network drawn at random."""
        rows = [row for row in self.rows if row.start == UNTRAINED]
        return dataclasses.replace(self, rows=rows)

    def predict(self, lever: str, before: Mapping[str, float]) -> Prediction | None:
        """Predicts what a lever brings.

        By the mean of past gains, or by a line through 0 along the lever's covariate:
        by whichever predicts each past target better from the others. Its error is the
        smaller of two for that, and so a little too small. A lever that begins with an
        untrained network is predicted by its mean gain above that, less the lead that
        the start has. Several studies of one target count as one, and nothing becomes
        better than right.

        Args:
            lever: Its name.
            before: Figures of a diagnosis, as `PastStudy.before`.

        Returns:
            None: no study has tried it, or the diagnosis lacks a figure.
        """
        afresh = lever in FROM_NOTHING
        name = "lead" if afresh else COVARIATES.get(lever)
        rows = [
            row
            for row in self.rows
            if lever in row.gains and (name is None or name in row.before)
        ]
        if not rows or (name is not None and name not in before):
            return None
        points: dict[str, list[tuple[float, float]]] = {}
        for row in rows:
            figure = 1.0 if name is None else row.before[name]
            gain = row.gains[lever] + (figure if afresh else 0.0)
            points.setdefault(row.target, []).append((figure, gain))
        figures, gains = zip(*map(_centre, points.values()), strict=True)
        at = 1.0 if name is None else before[name]
        # Above an untrained network a gain follows no figure: its mean alone.
        x, here = (_ones(gains), 1.0) if afresh else (figures, at)
        fits = (_mean,) if afresh else (_mean, _line)
        errors = {fit: _left_out(fit, x, gains) for fit in fits}
        fit = min(errors, key=lambda one: errors[one] or 0.0)  # of a single one, first
        gain = fit(x, gains)(here) - (at if afresh else 0.0)
        return Prediction(
            lever,
            min(gain, 100.0 - before.get("linear", 0.0)),
            len(points),
            errors[fit],
            min(gains),
            max(gains),
            min(figures) <= at <= max(figures),
            at if afresh else None,
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the content of the table's file."""
        return {
            "format": FORMAT,
            "made_by": self.made_by,
            "studies": [dataclasses.asdict(row) for row in self.rows],
        }

    @classmethod
    def of_dict(cls, found: Mapping[str, Any]) -> "PastStudies":
        """Returns what `to_dict` wrote."""
        rows = [PastStudy(**row) for row in found["studies"]]
        return cls(rows, found["made_by"])


@functools.cache
def shipped() -> PastStudies:
    """Returns the table that comes with the package."""
    file = importlib.resources.files(__package__).joinpath(FILE)
    return PastStudies.of_dict(json.loads(file.read_text(encoding="utf-8")))


def _mean(x: Sequence[float], gains: Sequence[float]) -> Fit:
    """Returns the mean gain, shrunken; below the least x it falls to 0 at 0."""
    mean, least = _shrunken(len(x)) * statistics.fmean(gains), min(x)

    def predict(at: float) -> float:
        return mean * (min(1.0, max(0.0, at / least)) if least > 0 else 1.0)

    return predict


def _line(x: Sequence[float], gains: Sequence[float]) -> Fit:
    """Returns the line through 0 by least squares, shrunken."""
    squares = sum(value * value for value in x)
    slope = (
        sum(a * b for a, b in zip(x, gains, strict=True)) / squares if squares else 0
    )
    return lambda at: _shrunken(len(x)) * slope * at


def _shrunken(count: int) -> float:
    """As if one more study had gained nothing: few promise less than they found."""
    return count / (count + 1)


def _left_out(
    fit: Callable[[Sequence[float], Sequence[float]], Fit],
    x: Sequence[float],
    gains: Sequence[float],
) -> float | None:
    """Returns the error of predicting each target from all others."""
    if len(x) < 2:
        return None
    errors = []
    for left in range(len(x)):
        others, theirs = ([*v[:left], *v[left + 1 :]] for v in (x, gains))
        errors.append((gains[left] - fit(others, theirs)(x[left])) ** 2)
    return math.sqrt(statistics.fmean(errors))


def _ones(values: Sequence[float]) -> list[float]:
    return [1.0] * len(values)


def _centre(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    x, y = zip(*points, strict=True)
    return statistics.fmean(x), statistics.fmean(y)
