"""What was found on the line between two weights."""

import dataclasses
import os
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from ..networks import Network
from ..report.result import Result
from ..runs import State, Work
from ..utils.atomic import write_json
from ..weights import save_state_dict

PathLike: TypeAlias = str | os.PathLike
_WEIGHTS, _RESULT = "weights.pth", "line_search.json"


@dataclasses.dataclass(frozen=True, eq=False)
class LineSearch(Result):
    """What was found between two weights.

    Attributes:
        network: With the weights that were chosen.
        points: Shares of the end's weights, from 0 (the start) to 1.
        scores: Accuracies (%) of each point, one a fold.
        chosen: The point that was taken.
        probe: What scored.
        norms: How batch norms between the ends got their statistics.
        facts: The two networks and the images, JSON-ready.
    """

    network: Network = dataclasses.field(repr=False)
    points: tuple[float, ...]
    scores: tuple[tuple[float, ...], ...]
    chosen: float
    probe: str
    norms: str
    facts: Mapping[str, Any]

    @property
    def gain(self) -> float:
        """Mean accuracy of the chosen point over the start's, in points."""
        return self._means[self.points.index(self.chosen)] - self._means[0]

    @property
    def _means(self) -> list[float]:
        return [statistics.fmean(scores) for scores in self.scores]

    def table(self) -> str:
        """Returns a line for each point: its mean, and its lead over the start."""
        folds = len(self.scores[0])
        lines = [
            f"{self.probe} top-1 (%) within the target's training images, {folds} folds"
        ]
        for point, scores, mean in zip(
            self.points, self.scores, self._means, strict=True
        ):
            lead, error = paired(scores, self.scores[0])
            mark = "  <- taken" if point == self.chosen else ""
            name = {0.0: "start", 1.0: "end"}.get(point, "")
            lines.append(
                f"  {point:4.2f} {name:<5} {mean:6.2f}   over the start {lead:+6.2f} "
                f"+- {error:.2f}{mark}"
            )
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Returns points, scores and choice."""
        return {
            "points": list(self.points),
            "scores": [list(scores) for scores in self.scores],
            "chosen": self.chosen,
            "probe": self.probe,
            "norms": self.norms,
            **self.facts,
        }

    def save(self, folder: PathLike, overwrite: bool = False) -> Path:
        """Writes weights.pth (the backbone's, by its own names) and line_search.json.

        Args:
            folder: See `Result.save`.
            overwrite: See `Result.save`.
        """
        files = (_WEIGHTS, _RESULT)
        work = Work("line search", 1, self.to_dict(), files, "a line search")
        if work.state(folder, overwrite) is State.COMPLETE:
            return Path(folder)
        with work.written(folder) as temporary:
            save_state_dict(self.network.backbone.state_dict(), temporary / _WEIGHTS)
            write_json(temporary / _RESULT, self.to_dict())
        return Path(folder)


def paired(one: Sequence[float], other: Sequence[float]) -> tuple[float, float]:
    """Returns the mean difference of two rows of scores, and its standard error."""
    differences = [a - b for a, b in zip(one, other, strict=True)]
    error = statistics.stdev(differences) / len(differences) ** 0.5
    return statistics.fmean(differences), error
