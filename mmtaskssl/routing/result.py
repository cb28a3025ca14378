"""What routing found, and what may be concluded from it."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..subnets import Subnet


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A sub-net and what is known of it.

    Attributes:
        subnet: MAX or a path.
        score: Of the probe, 0..1 for kNN, linear and overlap.
        low: Lower end of the score's 95 % interval.
        high: Upper end.
        behind: How much the winner is better; 0 for the winner, below 0 for a path
            that is ahead of MAX by what may be chance.
        behind_low: Lower end of that margin's interval.
        behind_high: Upper end.
        tied: Whether the margin's interval holds zero.
        overlap: Agreement of the task's images with the path's cluster; None if not
            known.
    """

    subnet: Subnet
    score: float
    low: float
    high: float
    behind: float
    behind_low: float
    behind_high: float
    tied: bool
    overlap: float | None = None


@dataclasses.dataclass(frozen=True)
class Routing:
    """The answer.

    Attributes:
        ranking: The sub-nets that were scored, the winner first, then by score.
        largest: MAX.
        notes: Sentences for the user.
        paths: Paths of the network.
        regret: Of each fast router: paths scored, its choice, and how much worse it
            is than the exhaustive one; empty unless routed exhaustively.
        soft: Combinations of the first sub-nets, see `soft_choices`.
        stages: Stages run and stages without sharing, per batch.
        seconds: By part of the work.
    """

    ranking: list[Candidate]
    largest: Subnet
    notes: list[str]
    paths: int
    regret: dict[str, dict[str, Any]]
    soft: list[dict[str, Any]]
    stages: tuple[int, int]
    seconds: dict[str, float]

    @property
    def winner(self) -> Candidate:
        """The best candidate."""
        return self.ranking[0]

    def to_dict(self) -> dict[str, Any]:
        """Returns what routing.json holds."""
        return {
            "winner": self.winner.subnet.name,
            "notes": self.notes,
            "paths": self.paths,
            "scored": len(self.ranking),
            "regret": self.regret,
            "soft": self.soft,
            "stages_run": self.stages[0],
            "stages_without_sharing": self.stages[1],
            "seconds": self.seconds,
            "ranking": [
                {
                    key: _plain(value)
                    for key, value in dataclasses.asdict(candidate).items()
                    if key != "subnet"
                }
                | {"subnet": candidate.subnet.name}
                for candidate in self.ranking
            ],
        }


def _plain(value: Any) -> Any:
    """JSON has no NaN."""
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 6)
    return value


def conclusions(ranking: Sequence[Candidate], largest: Subnet, probe: str) -> list[str]:
    """Says in sentences what a ranking tells.

    Args:
        ranking: The winner first, then by score.
        largest: MAX, one of them.
        probe: Whose scores they have.
    """
    winner = ranking[0]
    unit = 1.0 if probe == "logme" else 100.0
    tied = [c for c in ranking if c.tied]
    notes = []
    if winner.subnet == largest:
        first = ranking[1] if len(ranking) > 1 else winner
        if first.behind < 0:
            notes.append(
                f"the generic network (MAX) wins a tie: the best path, {first.subnet}, "
                f"is ahead by {-unit * first.behind:.2f} "
                f"({0 - unit * first.behind_high:.2f} to "
                f"{0 - unit * first.behind_low:.2f}), which may be chance"
            )
        else:
            notes.append("the generic network (MAX) is best: no path is better")
    else:
        other = next(c for c in ranking if c.subnet == largest)
        margin = (
            f"{unit * other.behind:.2f} ({unit * other.behind_low:.2f} to "
            f"{unit * other.behind_high:.2f})"
        )
        if other.tied:
            notes.append(
                f"the best path is ahead of MAX by {margin}, which may be chance: a tie"
            )
        else:
            notes.append(f"the best path is ahead of MAX by {margin}")
    if tied:
        notes.append(
            f"{len(tied)} of {len(ranking) - 1} others tie with the first: these "
            "images do not tell them apart"
        )
    notes.append(
        "the first of many candidates is partly the luckiest: its own score is "
        "optimistic"
    )
    return notes


def regret_of(
    scores: Mapping[Subnet, float], chosen: Mapping[str, tuple[int, Subnet]]
) -> dict[str, dict[str, Any]]:
    """Returns how much worse the choices of fast routers score than the best sub-net.

    Args:
        scores: Of all sub-nets.
        chosen: Of each router, how many paths it scores and which sub-net it takes.
    """
    best = max(scores.values())
    return {
        router: {
            "paths": paths,
            "choice": choice.name,
            "regret": best - scores[choice],
        }
        for router, (paths, choice) in chosen.items()
    }
