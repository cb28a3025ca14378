"""The stages of `customize`, each once, each in its own folder."""

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path

from ..features.sources import StoreLike
from ..selection.folder import select_to_folder
from ..selection.options import Options
from ..utils.atomic import write_json
from ..utils.errors import option
from ..utils.families import OptionMissing
from ..utils.inputs import read_json, reading
from .arms.arm import Arm, Case
from .arms.known import ARMS
from .diagnosing import as_asked, looked_at
from .diagnosis.diagnose import diagnose
from .diagnosis.diagnosis import Diagnosis
from .diagnosis.stores import read_shared
from .entrants import entrants
from .fit.body import Body, opened
from .fit.fits import Fits
from .generics import Generics
from .handover.chosen import chosen_section
from .images import (
    FEATURES,
    POOL,
    SELECTION,
    TARGET,
    Common,
    features_gone,
    how_many,
    select_images,
    write_lists,
)
from .inspection.inspected import DENSE, Inspected
from .lengths import COSTS, Lengths
from .order import DIAGNOSIS
from .race.answer import Answer, answer
from .race.launched import make_steps
from .race.race import Race
from .race.trainings import Trainings
from .settings import LEVEL, PRIMARY, Settings

# Without a start so many images of the pool are looked at: the features say little.
_GLANCE = 2000
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
        share: See `diagnose`; it keeps trainings of arms that are `Arm.of_pool`, too.
        common: Images of the pool that all who share these may train on; None: those
            of this target.
        seconds: What each stage took, in this process and in earlier ones that went
            on here.
    """

    found: Inspected
    out: Path
    settings: Settings
    device: str
    workers: int | None
    log: Log
    launcher: str = "none"
    jobs: Mapping[str, str] = dataclasses.field(default_factory=dict)
    share: Path | None = None
    common: Sequence[str] | None = None
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measures a stage, and says so when it begins."""
        self.log(f"-- {name}")
        begin, file = time.monotonic(), self.out / COSTS / "stages.json"
        if file.is_file():
            with reading(file):
                self.seconds = {**read_json(file), **self.seconds}
        try:
            yield
        finally:
            took = time.monotonic() - begin
            self.seconds[name] = self.seconds.get(name, 0.0) + took
            file.parent.mkdir(parents=True, exist_ok=True)
            write_json(file, self.seconds)

    @cached_property
    def trainings(self) -> Trainings:
        """Runs all trainings."""
        logs = self.out / "logs"
        steps = make_steps(self.launcher, logs, self.log, self.jobs)
        return Trainings(self.out, steps, self.share)

    @cached_property
    def count(self) -> int:
        """Images to select."""
        said = self.diagnosis.likeness.images if self.settings.starts else None
        pool, asked = len(self.found.pool_ids), self.settings.select
        if asked is not None and asked > pool:
            self.log(f"the pool has {pool:,} images: all are taken, not {asked:,}")
        return how_many(asked, said, pool)

    @cached_property
    def fits(self) -> Fits:
        """What budgets pay for."""
        return Fits(self.settings, self.found.short_side, self.out)

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
        starts, networks = looked_at(self.settings, self.fits)
        sides = {start.name: self.fits.sides(start) for start in starts}
        serves = {
            body.start.name
            for budget in self.settings.budgets
            for body in self.fits.bodies(budget)
        }
        found = diagnose(
            self.found,
            starts,
            sides=sides,
            serves=serves,
            networks=networks,
            budget_images=None if self.settings.starts else _GLANCE,
            seed=self.settings.seed,
            out=self.out / DIAGNOSIS,
            share=self.share,
            device=self.device,
            workers=self.workers,
            log=self.log,
            help=self.trainings.steps.help,
        )
        said = as_asked(found, self.found.kind, self.settings)
        return dataclasses.replace(found, recommendation=said)

    def select(self) -> Path:
        """Selects the images, and returns the folder of the selection.

        By the features of the best start; without one by our network, pre-trained on
        the whole pool, which is a control anyway: the longest that is trained.
        """
        folder = self.out / SELECTION
        if self.settings.starts:
            select_to_folder(folder, *self.stores, self.count, Options(), log=self.log)
            return folder
        own = self.fits.own(self.settings.budgets[0])
        if own is None:
            raise OptionMissing(
                f"nothing can select images: name a start ({option('start')}), or a "
                "budget that pays for a network of ours"
            )
        selecting = self.generics.selecting
        self.trainings.run([selecting])
        network = self._race(selecting.case).network(selecting.arm, selecting.iters)
        return select_images(
            *(self.found, network, own.side, self.count, self.out, self.log),
            shared=self._shared_features(),
            device=self.device,
            workers=self.workers,
        )

    @cached_property
    def generics(self) -> Generics:
        """The trainings that are there before others."""
        lists = partial(self._lists, None)
        return Generics(self.found, self.fits, self.lengths, lists)

    def _shared_features(self) -> Path | None:
        """Returns where targets share the pool's features by that network."""
        if self.share is None:
            return None
        return self.share / FEATURES / self.trainings.name(self.generics.selecting)

    def sections(self) -> list[str]:
        """Returns what a page says of the pool seen through the target."""
        roots = self.found.pool_root, self.found.train.root
        chosen = chosen_section(self.out / SELECTION, *roots)
        return [*self.diagnosis.sections(), chosen]

    @cached_property
    def lengths(self) -> Lengths:
        """How long arms train."""
        at_once = 1 if self.launcher == "pytorch" else 2
        return Lengths(self.settings, self.trainings, self.log, at_once)

    def case(self, budget: str, selection: Path, seed: int) -> Case:
        """Returns what the arms of a budget are made from."""
        lists, counts = self._lists(selection, seed)
        own, body = self.fits.own(budget), self.best(self.fits.bodies(budget))
        teacher = None
        if self.settings.starts and own is not None:
            # Of all budgets the same: some arms serve them all.
            start = self.diagnosis.best.start
            size = opened(start).preprocessing.image_size
            teacher = Body(start, min(2 * own.side, size))
        generic, longer = None, None
        if not self.settings.starts and own is not None:
            both = (self.generics.first(budget, seed), self.generics.long(budget, seed))
            generic, longer = map(self.trainings.checkpoint, both)
        return Case(
            *(self.found, own, body, teacher, lists, counts, budget),
            self.fits.widths,
            self.stores,
            self.out,
            generic,
            longer,
        )

    def _lists(
        self, selection: Path | None, seed: int
    ) -> tuple[dict[str, Path], dict[str, int]]:
        """See `write_lists`."""
        common = None
        if self.share is not None and self.common is not None:
            common = Common(self.common, self.share)
        return write_lists(self.found, selection, self.count, seed, self.out, common)

    @cached_property
    def stores(self) -> tuple[StoreLike, StoreLike]:
        """Features of the pool and the target's training images, to select by."""
        if self.settings.starts:
            pool, train = self.diagnosis.pool, self.diagnosis.train
            if pool is None or train is None:
                raise features_gone(self.out / DIAGNOSIS)
            return pool, train
        target = self.out / FEATURES / TARGET
        if (shared := self._shared_features()) is None:
            return self.out / FEATURES / POOL, target
        pool = read_shared(shared, self.found.pool_ids)
        if pool is None:
            raise features_gone(self.out / SELECTION)
        return pool, target

    def answer(self, budget: str, selection: Path) -> Answer:
        """Races the arms of a budget, and returns the verdict."""
        first = self.case(budget, selection, self.settings.seed)
        arms, lengths = self.arms(first), self.lengths.whole(budget)
        primary = ARMS[next(n for n in PRIMARY if n in [arm.name for arm in arms])]

        def case_of(seed: int) -> Case:
            case = self.case(budget, selection, seed)
            self.trainings.run(self.generics.needed(arms, budget, seed))
            return case

        if self.settings.seconds is not None:
            seconds = self.settings.seconds / len(self.settings.budgets)
            arms, lengths = self.lengths.within(
                seconds, arms, first, self.seeds, primary.name
            )
        race = self._race(case_of(self.settings.seed))
        return answer(
            *(race, arms, primary, lengths, self.seeds, case_of, LEVEL),
            self.settings.fine_tune,
            self.diagnosis.recommendation.training,
        )

    @property
    def seeds(self) -> int:
        """Trainings of what goes into the verdict; one of what is fine-tuned."""
        return 1 if self.found.kind in DENSE else self.settings.seeds

    def arms(self, case: Case) -> list[Arm]:
        """See `entrants`."""
        said = self.diagnosis.recommendation
        return entrants(self.settings, said.beside, case, self.log, said.lever)

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
