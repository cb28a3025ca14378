"""How long each arm of a run trains, and what that takes."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

from ..utils.atomic import write_json
from ..utils.errors import option
from ..utils.families import OutTaken
from ..utils.inputs import read_json, reading
from .arms.arm import Arm, Case
from .arms.generic import Generic
from .arms.generic_long import GenericLong
from .arms.known import ARMS
from .diagnosis.step_cost import StepCost, measure_step
from .fit.time import fitted
from .race.trainings import Training, Trainings, slug
from .settings import Settings

#: Folder of what steps take.
COSTS = "costs"
# Images that steps are measured on.
_MEASURED = 256
# Of a time for all trainings, what the one may take that others wait for.
_FIRST_SHARE = 0.25


@dataclasses.dataclass
class Lengths:
    """Iterations of trainings, by arm.

    Attributes:
        settings: What was asked for.
        trainings: Their folder holds ``costs``.
        log: Takes lines on the progress.
        at_once: Trainings that run side by side.
    """

    settings: Settings
    trainings: Trainings
    log: Callable[[str], None]
    at_once: int
    # Of trainings that serve all budgets, once they are known.
    _shared: dict[str, int] = dataclasses.field(default_factory=dict)
    # Of the training that is there before all others, by budget.
    _first: dict[str, int] = dataclasses.field(default_factory=dict)

    def whole(self, budget: str) -> dict[str, int]:
        """Returns the iterations of whole trainings.

        Args:
            budget: In the user's words.
        """
        lengths = {arm.name: self.of(arm) for arm in ARMS.values() if arm.full}
        if (first := self._first.get(budget)) is not None:
            times = lengths[GenericLong.name] / lengths[Generic.name]
            lengths[Generic.name] = first
            lengths[GenericLong.name] = round(times * first)
        return lengths

    def first(self, case: Case) -> int:
        """Returns the length of the training that others wait for.

        Found once, and kept. All seeds of all budgets together take a quarter of the
        time at most.

        Args:
            case: What it is made from.

        Raises:
            UserError: It was shorter in a call with less time: what it selected, and
                all that is compared with it, would be of that.
        """
        arm, budget = Generic(), case.budget
        if budget in self._first:
            return self._first[budget]
        file = self.trainings.out / COSTS / f"first-{slug(budget) or 'all'}.json"
        full = length = self.of(arm)
        if self.settings.seconds is not None:
            cost = self.costs([arm], case)[arm.name]
            each = self.settings.seeds * len(self.settings.budgets)
            most = self.settings.seconds * _FIRST_SHARE / each - cost.begin
            length = min(length, max(1, int(most / cost.seconds)))
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            write_json(file, {"iters": length})
        with reading(file):
            kept = int(read_json(file)["iters"])
        if kept < length:
            raise OutTaken(
                f"{self.trainings.out} was begun with less time: the network of ours "
                f"that selects has {kept:,} iterations, and {option('time')} pays for "
                f"{length:,}: name another folder, or replace it with "
                + option("overwrite")
            )
        if kept < full:
            self.log(
                f"{arm.name}, which selects, trains {kept:,} of {full:,} iterations: a "
                f"quarter of the time that {option('time')} gives"
            )
        self._first[budget] = kept
        return kept

    def of(self, arm: Arm) -> int:
        """Returns the iterations of a whole training of an arm."""
        return max(1, round(arm.full * self.settings.scale))

    def costs(self, arms: Sequence[Arm], case: Case) -> dict[str, StepCost]:
        """Returns what a step of each arm takes; measured once, and kept.

        Args:
            arms: Which.
            case: What they are made from.
        """
        root, found = Path(case.found.pool_root), {}
        paths = [root / image for image in case.found.pool_ids[:_MEASURED]]
        for arm in arms:
            if arm.images is None:
                continue
            # Those weights may not be there yet, and steps are the same without them.
            measured = Generic() if arm.goes_on else arm
            training = Training(measured, case, self.of(arm), self.settings.seed)
            file = self.trainings.out / COSTS / f"{training.name}.json"
            if not file.is_file():
                self.log(f"some steps of {arm.name} are measured")
                cost = measure_step(self.trainings.config(training), paths)
                file.parent.mkdir(parents=True, exist_ok=True)
                write_json(file, dataclasses.asdict(cost))
            with reading(file):
                found[arm.name] = StepCost(**read_json(file))
        return found

    def within(
        self,
        seconds: float,
        arms: Sequence[Arm],
        case: Case,
        seeds: int,
        primary: str = "",
    ) -> tuple[list[Arm], dict[str, int]]:
        """Returns the arms and lengths that a time pays for.

        Found once: the same run goes on with them, also where seeds are added. What
        serves all budgets is paid by the first one.

        Args:
            seconds: For the trainings of this budget.
            arms: Those that say something.
            case: What they are made from.
            seeds: Trainings of what goes into the verdict.
            primary: Arm that stays, whatever the time.
        """
        name = f"within-{slug(case.budget) or 'all'}.json"
        file = self.trainings.out / COSTS / name
        with reading(file):
            kept = dict(read_json(file) if file.is_file() else {})
        of = {"scale": self.settings.scale, "of": [arm.name for arm in arms]}
        asked = {"seconds": seconds, **of}
        if any(kept.get(key) != value for key, value in asked.items()):
            costs = {
                name: StepCost(0, 0, one.bytes, one.checkpoint, one.batch)
                if name in self._shared
                else one
                for name, one in self.costs(arms, case).items()
            }
            lengths = {**self.whole(case.budget), **self._shared}
            fixed = {*self._shared}
            if case.budget in self._first:
                fixed |= {Generic.name, GenericLong.name}
            left, lengths, said = fitted(
                *(arms, costs, lengths, seeds),
                *(seconds, self.at_once, fixed, primary),
            )
            kept = {
                **asked,
                "arms": [arm.name for arm in left],
                "lengths": lengths,
                "said": said,
            }
            file.parent.mkdir(parents=True, exist_ok=True)
            write_json(file, kept)
        for line in kept["said"]:
            self.log(line)
        for arm in (found := [ARMS[name] for name in kept["arms"]]):
            if arm.shared:
                self._shared.setdefault(arm.name, kept["lengths"][arm.name])
        return found, kept["lengths"]
