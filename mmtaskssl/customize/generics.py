"""The generic trainings that select, and that others go on from."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

from ..utils.atomic import write_json
from ..utils.inputs import read_json
from .arms.arm import Arm, Case
from .arms.generic import Generic
from .arms.generic_long import GenericLong
from .fit.fits import Fits
from .inspection.inspected import Inspected
from .lengths import COSTS, Lengths
from .race.trainings import Training

_Lists = tuple[dict[str, Path], dict[str, int]]


@dataclasses.dataclass
class Generics:
    """Makes each once: its lists are drawn from all of the pool.

    Attributes:
        found: Pool and target.
        fits: Which network of ours a budget pays for.
        lengths: Of the trainings.
        lists: Returns the lists of a seed that no selection is among.
        made: By budget and seed.
    """

    found: Inspected
    fits: Fits
    lengths: Lengths
    lists: Callable[[int], _Lists]
    made: dict[tuple[str, int], Training] = dataclasses.field(default_factory=dict)

    def first(self, budget: str, seed: int) -> Training:
        """Returns the one that selects without a start.

        Args:
            budget: In the user's words.
            seed: Of all that it draws.
        """
        if (budget, seed) not in self.made:
            lists, counts = self.lists(seed)
            own, arm = self.fits.own(budget), Generic()
            case = Case(self.found, own, None, None, lists, counts, budget)
            iters = self.lengths.first(case)
            self.made[budget, seed] = Training(arm, case, iters, seed)
        return self.made[budget, seed]

    def long(self, budget: str, seed: int) -> Training:
        """Returns the one of `GenericLong`.

        Args:
            budget: See `first`, as for the other.
            seed: See above.
        """
        first = self.first(budget, seed)
        iters = self.lengths.whole(budget)[GenericLong.name]
        return dataclasses.replace(first, arm=GenericLong(), iters=iters)

    @property
    def selecting(self) -> Training:
        """The one whose network selects where there is no start.

        `GenericLong` where it is trained anyway, whatever the time; decided once.
        """
        settings = self.lengths.settings
        file = self.lengths.trainings.out / COSTS / "selecting.json"
        if not file.is_file():
            long = settings.asks_for(GenericLong.name) and settings.seconds is None
            file.parent.mkdir(parents=True, exist_ok=True)
            write_json(file, {"arm": GenericLong.name if long else Generic.name})
        is_long = read_json(file)["arm"] == GenericLong.name
        return (self.long if is_long else self.first)(
            settings.budgets[0], settings.seed
        )

    def needed(self, arms: Sequence[Arm], budget: str, seed: int) -> list[Training]:
        """Returns those that arms go on from.

        Args:
            arms: Which.
            budget: See `first`, as for the other.
            seed: See above.
        """
        kinds = sorted({arm.goes_on_long for arm in arms if arm.goes_on})
        return [(self.long if kind else self.first)(budget, seed) for kind in kinds]
