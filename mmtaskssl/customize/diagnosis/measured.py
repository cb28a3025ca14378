"""What the starts are worth on the target, before anything is trained."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from ..race.choose import lead
from ..race.judged import Judged
from ..starts import Start


@dataclasses.dataclass(frozen=True)
class AtSide:
    """A start on images of one side.

    Attributes:
        side: Of the square images, pixels.
        judged: Out-of-fold scores of the target's training images, in per cent.
        rank: Effective rank of their features, see `effective_rank`.
        macs: Multiply-accumulates an image.
    """

    side: int
    judged: Judged = dataclasses.field(repr=False)
    rank: float
    macs: int

    def to_dict(self) -> dict[str, Any]:
        """Returns the figures, JSON-ready; scores by fold."""
        probes = self.judged.scores
        return {
            "side": self.side,
            "mean": {name: self.judged.mean(name) for name in probes},
            "folds": {name: self.judged.by_fold(name) for name in probes},
            "effective_rank": self.rank,
            "macs": self.macs,
        }


@dataclasses.dataclass(frozen=True)
class Measured:
    """A start, as it is.

    Attributes:
        start: It.
        at: At the side that it is to serve at, then at larger ones.
        params: Learnable values.
        serves: Whether the budget pays for it; else it may only teach.
    """

    start: Start
    at: Sequence[AtSide]
    params: int
    serves: bool = True

    @property
    def linear(self) -> float:
        """Accuracy at the side that it is to serve at, in per cent."""
        return self.at[0].judged.mean("linear")

    @property
    def headroom(self) -> tuple[float, float] | None:
        """What it gains at its largest side, in points, and the standard error.

        As much as resolution self-distillation could at best hand down. None: it was
        seen at one side only.
        """
        if len(self.at) < 2:
            return None
        return lead(self.at[-1].judged.of("linear"), self.at[0].judged.of("linear"))

    def to_dict(self) -> dict[str, Any]:
        """Returns all of it, JSON-ready."""
        return {
            "name": self.start.name,
            "network": self.start.network,
            "public": self.start.public,
            "trained": self.start.trained,
            "serves": self.serves,
            "params": self.params,
            "headroom": self.headroom and [*self.headroom],
            "sides": [one.to_dict() for one in self.at],
        }


def measured_of(found: Mapping[str, Any], judged: Sequence[Any]) -> Measured:
    """Returns what `Measured.to_dict` wrote.

    Args:
        found: It.
        judged: Of each side, what `Judged.to_dict` wrote.
    """
    network = found["network"]
    if not isinstance(network, str):
        network = tuple(network)
    start = Start(found["name"], network, found["public"])
    sides = [
        AtSide(one["side"], Judged.of_dict(all_), one["effective_rank"], one["macs"])
        for one, all_ in zip(found["sides"], judged, strict=True)
    ]
    return Measured(start, sides, found["params"], found["serves"])


def best_of(measured: Sequence[Measured]) -> Measured:
    """Returns the start to select by, and to begin from.

    Of those with weights, the one with the highest linear accuracy at the side that it
    is to serve at, the first of equals; where none has weights, of all.

    Args:
        measured: One or more.
    """
    trained = [one for one in measured if one.start.trained]
    return max(trained or measured, key=lambda one: one.linear)
