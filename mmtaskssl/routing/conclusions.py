"""What may be concluded from scores."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..subnets import Subnet
from .candidate import Candidate


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
