"""The stages of `customize`, each once, each in its own folder."""

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from ..networks import Network
from ..utils.budgets import Budget
from ..utils.errors import UserError, option
from .arms.arm import Arm, Case
from .arms.generic import Generic
from .arms.known import ARMS
from .arms.start import StartAsItIs
from .fit.body import STEP, Body, fitting, opened
from .fit.own import Own, own_within
from .images import how_many, select_images, write_lists
from .inspection.inspected import Inspected
from .race.answer import Answer, answer
from .race.launched import make_steps
from .race.race import Race
from .race.trainings import Trainings
from .settings import LEVEL, Settings
from .starts import Start

# Selections are made at this side, or a start's own where that is smaller, pixels.
_EXTRACTOR_SIDE = 128
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
        return how_many(self.settings.select, len(self.found.pool_ids))

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
        if len(bodies) < 2:
            return bodies[0] if bodies else None
        scores = {}
        for place, body in enumerate(bodies):
            case = Case(self.found, None, body, None, {}, {}, f"start{place}")
            both = self._race(case).judge(StartAsItIs(), 0).both()
            scores[place] = sum(both) / len(both)
        return bodies[max(scores, key=lambda place: scores[place])]

    def extractor(self, own: Own | None) -> tuple[Network, int]:
        """Returns the best network at hand to select by, and its side.

        A trained start if there is one; else our network, pre-trained on the whole
        pool, which is a control anyway.
        """
        if self.settings.starts:
            bodies = [self._at_extractor_side(s) for s in self.settings.starts]
            body = self.best(bodies)
            assert body is not None
            return body.network, body.side
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
        return race.network(arm, self.length(arm)), own.side

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

    def select(self) -> Path:
        """Selects the images, and returns the folder of the selection."""
        own = self.own(self.settings.budgets[0])
        network, side = self.extractor(own)
        return select_images(
            *(self.found, network, side, self.count, self.out, self.log),
            device=self.device,
            workers=self.workers,
        )

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

    def _at_extractor_side(self, start: Start) -> Body:
        return Body(start, min(opened(start).preprocessing.image_size, _EXTRACTOR_SIDE))

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
