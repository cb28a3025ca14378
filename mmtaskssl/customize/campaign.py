"""The stages of `customize`, each once, each in its own folder."""

import dataclasses
import html
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from ..selection.folder import select_to_folder
from ..selection.options import Options
from ..utils.budgets import Budget
from ..utils.errors import UserError, option
from .arms.arm import Arm, Case
from .arms.generic import Generic
from .arms.known import ARMS
from .diagnosis.diagnose import diagnose
from .diagnosis.diagnosis import Diagnosis
from .fit.body import STEP, Body, fitting, opened
from .fit.own import Own, own_within
from .images import SELECTION, how_many, select_images, write_lists
from .inspection.inspected import Inspected
from .race.answer import Answer, answer
from .race.launched import make_steps
from .race.race import Race
from .race.trainings import Trainings
from .settings import LEVEL, Settings
from .starts import Start

# Starts are looked at to select at this side at most, or where they serve, pixels.
_EXTRACTOR_SIDE = 128
# Without a start so many images of the pool are looked at: the features say little.
_GLANCE = 2000
_LEAST_SIDE = 32
Log = Callable[[str], None]


@dataclasses.dataclass
class Campaign:
    """All stages over one pool and one target.

    Attributes:
        found: Pool and target, inspected.
        out: Holds a folder for each stage.
        settings: What was asked for.
        device: Of features; trainings take the GPU if there is one.
        workers: See `open_runner`.
        log: Takes lines on the progress.
        launcher: See `make_steps`, as for ``jobs``.
        jobs: See above.
        seconds: What each stage took, in this process and before.
    """

    found: Inspected
    out: Path
    settings: Settings
    device: str
    workers: int | None
    log: Log
    launcher: str = "none"
    jobs: Mapping[str, str] = dataclasses.field(default_factory=dict)
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measures a stage, and says so when it begins."""
        self.log(f"-- {name}")
        begin = time.monotonic()
        yield
        took = time.monotonic() - begin
        self.seconds[name] = self.seconds.get(name, 0.0) + took

    @cached_property
    def trainings(self) -> Trainings:
        """Runs all trainings."""
        logs = self.out / "logs"
        steps = make_steps(self.launcher, logs, self.log, self.jobs)
        return Trainings(self.out, steps)

    @cached_property
    def count(self) -> int:
        """Images to select."""
        said = self.diagnosis.likeness.images if self.settings.starts else None
        return how_many(self.settings.select, said, len(self.found.pool_ids))

    def bodies(self, budget: str) -> list[Body]:
        """Returns the starts that a budget pays for, each at its side."""
        band, found = Budget.parse(budget) if budget else None, []
        for start in self.settings.starts:
            size = opened(start).preprocessing.image_size
            if band is None:
                side = min(size, self.found.short_side) // STEP * STEP
                found.append(Body(start, max(_LEAST_SIDE, side)))
            elif body := fitting(start, band, size):
                found.append(body)
        return found

    def own(self, budget: str) -> Own | None:
        """Returns the network of ours that a budget pays for."""
        band = Budget.parse(budget) if budget else None
        return own_within(self.settings.network, band)

    def best(self, bodies: Sequence[Body]) -> Body | None:
        """Returns the start that is best within the target's training images."""
        scores = {
            one.start.name: one.at[0].judged.mean("linear")
            for one in self.diagnosis.measured
        }
        return max(bodies, key=lambda body: scores[body.start.name], default=None)

    @cached_property
    def diagnosis(self) -> Diagnosis:
        """What is known before anything is trained."""
        starts = self.settings.starts or [Start.untrained(self.settings.network)]
        sides = {start.name: self._sides(start) for start in starts}
        serves = {
            body.start.name
            for budget in self.settings.budgets
            for body in self.bodies(budget)
        }
        return diagnose(
            self.found,
            starts,
            sides=sides,
            serves=serves,
            budget_images=None if self.settings.starts else _GLANCE,
            seed=self.settings.seed,
            out=self.out / "diagnosis",
            device=self.device,
            workers=self.workers,
            log=self.log,
        )

    def _sides(self, start: Start) -> list[int]:
        """Returns the sides that a start is looked at, the first to serve at."""
        size = opened(start).preprocessing.image_size
        if not start.trained:
            return [size]
        serving = sorted(
            body.side
            for budget in self.settings.budgets
            for body in self.bodies(budget)
            if body.start.name == start.name
        ) or [min(size, self.found.short_side, _EXTRACTOR_SIDE) // STEP * STEP]
        largest = max(serving[-1], min(2 * serving[-1], _EXTRACTOR_SIDE))
        return [*dict.fromkeys([*serving, largest])]

    def select(self) -> Path:
        """Selects the images, and returns the folder of the selection.

        By the features of the best start; without one by our network, pre-trained on
        the whole pool, which is a control anyway.
        """
        folder = self.out / SELECTION
        if self.settings.starts:
            pool, train = self.diagnosis.pool, self.diagnosis.train
            assert pool is not None and train is not None
            select_to_folder(folder, pool, train, self.count, Options(), log=self.log)
            return folder
        own = self.own(self.settings.budgets[0])
        if own is None:
            raise UserError(
                f"nothing can select images: name a start ({option('start')}), or a "
                "budget that pays for a network of ours"
            )
        lists = write_lists(self.found, None, self.count, self.settings.seed, self.out)
        counts = {"pool": len(self.found.pool_ids), "random": self.count}
        case = Case(
            self.found, own, None, None, lists, counts, self.settings.budgets[0]
        )
        race, arm = self._race(case), Generic()
        race.judge_all([arm], {arm.name: self.length(arm)})
        return select_images(
            *(self.found, race.network(arm, self.length(arm)), own.side),
            *(self.count, self.out, self.log),
            device=self.device,
            workers=self.workers,
        )

    def sections(self) -> list[str]:
        """Returns what a page says of the pool seen through the target."""
        selected = html.escape(f"{SELECTION}/report.html")
        link = (
            f'<p class="soft">Each target image with the images that were selected for '
            f'it: <a href="{selected}">{selected}</a>.</p>'
        )
        return [*self.diagnosis.sections(), link]

    def length(self, arm: Arm) -> int:
        """Returns the iterations of a whole training of an arm."""
        return max(1, round(arm.full * self.settings.scale))

    def case(self, budget: str, selection: Path, seed: int) -> Case:
        """Returns what the arms of a budget are made from."""
        lists = write_lists(self.found, selection, self.count, seed, self.out)
        counts = {
            "pool": len(self.found.pool_ids),
            "random": self.count,
            "selected": self.count,
        }
        own, body = self.own(budget), self.best(self.bodies(budget))
        teacher = None
        if self.settings.starts and own is not None:
            start = body.start if body else self.settings.starts[0]
            size = opened(start).preprocessing.image_size
            teacher = Body(start, min(2 * own.side, size))
        return Case(self.found, own, body, teacher, lists, counts, budget)

    def answer(self, budget: str, selection: Path) -> Answer:
        """Races the arms of a budget, and returns the verdict."""
        first = self.case(budget, selection, self.settings.seed)
        arms = []
        for arm in ARMS.values():
            if why := self._left_out(arm, first):
                self.log(f"no {arm.name}: {why}")
            else:
                arms.append(arm)
        if not arms:
            raise UserError(
                f"no network is within the budget {budget}: no start at any side, and "
                "no width of ours; ask for another one"
            )
        names = [arm.name for arm in arms]
        primary = ARMS["start" if "start" in names else "generic"]
        return answer(
            self._race(first),
            arms,
            primary,
            {arm.name: self.length(arm) for arm in ARMS.values() if arm.full},
            self.settings.seeds,
            lambda seed: self.case(budget, selection, seed),
            LEVEL,
        )

    def _left_out(self, arm: Arm, case: Case) -> str | None:
        """Returns why an arm is not raced; None: it is."""
        if refused := arm.refuses(case):
            return refused
        wanted = self.settings.arms
        if wanted is not None and arm.name not in wanted:
            return "not asked for"
        if arm.name.endswith("-random"):
            return "trained beside the arm that is chosen"
        if arm.name == "generic" and case.body is not None:
            return "the start is what is to be beaten"
        return None

    def _race(self, case: Case) -> Race:
        return Race(
            self.out,
            case,
            self.trainings,
            self.device,
            self.workers,
            self.log,
            self.settings.seed,
        )
