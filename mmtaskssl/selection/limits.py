"""What a selection must keep to, whatever its policy. Imports nothing heavy."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from ..utils import checks
from ..utils.errors import option
from ..utils.families import BadValue, OptionConflict


@dataclasses.dataclass(frozen=True)
class Limits:
    """Limits of a selection; None each: there is none.

    Attributes:
        target_weights: Of each target, its share of the budget; of any sum. What one
            cannot fill goes to the others.
        target_budgets: Most images of each target.
        per_query: Most images for one image of the target.
        per_class: Most images for one class of the target.
        per_source: Most images of one source of the pool.
        min_similarity: Least cosine similarity to the nearest image of the target.
        mmr_lambda: Weight of similarity against diversity, see `diverse`.
        unlike_last: Whether images that are nearer to what is not wanted than to the
            target come behind all others, and are not left out.

    Raises:
        UserError: No selection can keep to them.
    """

    target_weights: Sequence[float] | None = None
    target_budgets: Sequence[int] | None = None
    per_query: int | None = None
    per_class: int | None = None
    per_source: int | None = None
    min_similarity: float | None = None
    mmr_lambda: float | None = None
    unlike_last: bool = False

    def __post_init__(self) -> None:
        for name in ("per_query", "per_class", "per_source"):
            checks.whole(name, getattr(self, name), none=True)
        checks.finite("min_similarity", self.min_similarity, -1, 1, none=True)
        checks.finite("mmr_lambda", self.mmr_lambda, 0, 1, none=True)
        checks.flag("unlike_last", self.unlike_last)
        if self.target_weights is not None:
            checks.listed("target_weights", self.target_weights, "numbers")
            for weight in self.target_weights:
                checks.finite("target_weights", weight, 0)
            if not sum(self.target_weights):
                raise BadValue(f"{option('target_weights')} must not all be 0")
        if self.target_budgets is not None:
            checks.listed("target_budgets", self.target_budgets, "numbers of images")
            for budget in self.target_budgets:
                checks.whole("target_budgets", budget)
        if self.target_weights is not None and self.target_budgets is not None:
            raise OptionConflict(
                "images of each target are counted or shared out: name one of "
                f"{option('target_budgets')} and {option('target_weights')}"
            )

    def check_targets(self, count: int) -> None:
        """Refuses numbers that are not one a target.

        Args:
            count: Of targets.

        Raises:
            UserError: They are not.
        """
        for name in ("target_weights", "target_budgets"):
            given = getattr(self, name)
            if given is not None and len(given) != count:
                raise BadValue(
                    f"{option(name)} must name one number for each target: there are "
                    f"{count} targets and {len(given)} numbers"
                )

    def asked(self) -> dict[str, Any]:
        """Returns those that were asked for, JSON-ready."""
        found = {
            field.name: getattr(self, field.name) for field in dataclasses.fields(self)
        }
        return {
            name: list(value) if isinstance(value, Sequence) else value
            for name, value in found.items()
            if value is not None and value is not False
        }

    def quotas(self, budget: int, queries: Sequence[int]) -> list[int] | None:
        """Returns the most images of each target; None: any number.

        Args:
            budget: Images of all targets.
            queries: Images that each target has.
        """
        if self.target_budgets is not None:
            return list(self.target_budgets)
        if self.target_weights is None:
            return None
        room: list[float] = [math.inf] * len(queries)
        if self.per_query is not None:
            room = [self.per_query * count for count in queries]
        return shares(budget, self.target_weights, room)


def shares(budget: int, weights: Sequence[float], room: Sequence[float]) -> list[int]:
    """Splits a budget by weights; what one has no room for is shared by the others.

    Args:
        budget: Items to hand out.
        weights: At least one above 0.
        room: Most items of each.

    Returns:
        Items of each; a remainder goes to the largest fractions, then to the first.
    """
    given, left = [0] * len(weights), budget
    while left:
        free = [i for i, w in enumerate(weights) if w > 0 and given[i] < room[i]]
        if not free:
            break
        total = sum(weights[i] for i in free)
        wanted = {i: left * weights[i] / total for i in free}
        part = {i: math.floor(w) for i, w in wanted.items()}
        order = sorted(free, key=lambda i: (part[i] - wanted[i], i))
        for i in order[: left - sum(part.values())]:
            part[i] += 1
        for i, count in part.items():
            given[i] = int(min(given[i] + count, room[i]))
        left = budget - sum(given)
    return given
