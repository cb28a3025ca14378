"""How good features are on each single image."""

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

PROBES = ("knn", "linear")


@dataclasses.dataclass(frozen=True)
class Judged:
    """What frozen features are worth on each image of a split.

    Attributes:
        scores: By probe, of each image in per cent: 100 or 0 where it has one class
            (the mean is top-1); else the precision of its classes among all by rank
            (the mean is the label ranking average precision).
        folds: Of each image, the number of the fold in which it was held out; empty
            where all were held out at once. -1: never.
    """

    scores: Mapping[str, Sequence[float]]
    folds: Sequence[int] = ()

    def mean(self, probe: str) -> float:
        """Returns the mean over the images; of folds the mean of their means."""
        return statistics.fmean(self.by_fold(probe) or self.of(probe))

    def of(self, probe: str) -> list[float]:
        """Returns the scores of the images that were held out."""
        values = self.scores[probe]
        if not self.folds:
            return [*values]
        return [v for v, f in zip(values, self.folds, strict=True) if f >= 0]

    def by_fold(self, probe: str) -> list[float]:
        """Returns the mean of each fold."""
        return [
            statistics.fmean(
                v
                for v, f in zip(self.scores[probe], self.folds, strict=True)
                if f == fold
            )
            for fold in range(max(self.folds, default=-1) + 1)
        ]

    def both(self) -> list[float]:
        """Returns each image's mean over the probes: what arms are chosen by."""
        rows = [self.of(probe) for probe in self.scores]
        return [statistics.fmean(column) for column in zip(*rows, strict=True)]

    def to_dict(self) -> dict[str, Any]:
        """Returns all of it, JSON-ready."""
        return {
            "scores": {name: [*values] for name, values in self.scores.items()},
            "folds": [*self.folds],
        }

    @classmethod
    def of_dict(cls, found: Mapping[str, Any]) -> "Judged":
        """Returns what `to_dict` wrote."""
        return cls(found["scores"], found["folds"])
