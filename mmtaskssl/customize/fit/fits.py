"""What each budget pays for: starts at their sides, and a network of ours."""

import dataclasses
from pathlib import Path
from typing import Any

from ...subnets import Subnet
from ...utils.budgets import Budget
from ...utils.errors import option
from ...utils.families import BadBudget, OptionMissing
from ..settings import PRIMARY, USUAL, Settings
from ..starts import Start
from .body import LEAST_SIDE, STEP, Body, fitting, opened
from .kept import kept
from .own import Own, own_within

# Starts are looked at to select at this side at most, or where they serve, pixels.
_EXTRACTOR_SIDE = 128


@dataclasses.dataclass
class Fits:
    """Searches what budgets pay for, each once.

    Attributes:
        settings: Starts, recipe and budgets.
        short_side: Of the target's images, pixels: without a budget, starts serve
            there.
        folder: Of the customization, see `kept`.
    """

    settings: Settings
    short_side: int
    folder: Path | None = None
    _bodies: dict[str, list[Body]] = dataclasses.field(default_factory=dict)
    _owns: dict[str, Own | None] = dataclasses.field(default_factory=dict)

    def check(self) -> None:
        """Refuses budgets that pay for nothing, before any work.

        Raises:
            UserError: One does.
        """
        for budget in self.settings.budgets:
            if not self.bodies(budget) and self.own(budget) is None:
                raise BadBudget(
                    f"{option('budget')} {budget} pays for no start at any side, and "
                    "for no width of our network: ask for another one (30M-36M are "
                    "millions of multiply-accumulates, 30-36 are none)"
                )
            arms = self.settings.arms or (USUAL,)
            if not self.bodies(budget) and {*arms} & {USUAL, *PRIMARY} == {PRIMARY[0]}:
                what = f"{option('budget')} {budget} pays for no start"
                if not self.settings.starts:
                    what = f"there is no {option('start')}"
                raise OptionMissing(
                    f"{what}, and {option('arms')} name no other control: add one of "
                    f"{', '.join(PRIMARY[1:])}"
                )

    def bodies(self, budget: str) -> list[Body]:
        """Returns the starts that a budget pays for, each at its side."""
        if budget in self._bodies:
            return self._bodies[budget]
        band, found = Budget.parse(budget) if budget else None, []
        for start in self.settings.starts:
            size = opened(start).preprocessing.image_size
            if band is None:
                side = min(size, self.short_side) // STEP * STEP
                found.append(Body(start, max(LEAST_SIDE, side)))
            elif (fits := self._side(start, budget, size)) is not None:
                found.append(Body(start, fits))
        self._bodies[budget] = found
        return found

    def own(self, budget: str) -> Own | None:
        """Returns the network of ours that a budget pays for."""
        if budget not in self._owns:
            self._owns[budget] = self._own(budget)
        return self._owns[budget]

    def _side(self, start: Start, budget: str, largest: int) -> int | None:
        def find() -> int | None:
            body = fitting(start, Budget.parse(budget), largest)
            return None if body is None else body.side

        found: int | None = kept(self.folder, budget, f"start {start.text}", find)
        return found

    def _own(self, budget: str) -> Own | None:
        recipe = self.settings.recipe

        def find() -> dict[str, Any] | None:
            found = own_within(recipe, Budget.parse(budget) if budget else None)
            return None if found is None else found.options

        options = kept(self.folder, budget, f"own {recipe}", find)
        return None if options is None else Own(recipe, options)

    @property
    def widths(self) -> tuple[str, ...]:
        """Names of our network at the width of each budget, the widest first."""
        owns = [self.own(budget) for budget in self.settings.budgets]
        names = {own.name for own in owns if own is not None and own.name is not None}
        return tuple(sorted(names, key=lambda n: -Subnet.parse(n).widths[-1]))

    def sides(self, start: Start) -> list[int]:
        """Returns the sides that a start is looked at, the first to serve at."""
        size = opened(start).preprocessing.image_size
        if not start.trained:
            return [size]
        serving = sorted(
            body.side
            for budget in self.settings.budgets
            for body in self.bodies(budget)
            if body.start.name == start.name
        ) or [min(size, self.short_side, _EXTRACTOR_SIDE) // STEP * STEP]
        largest = max(serving[-1], min(2 * serving[-1], _EXTRACTOR_SIDE))
        return [*dict.fromkeys([*serving, largest])]
