"""The control runs of a pre-training."""

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ...config import load_config
from ...config.shown import ShownConfig
from ...datasets.images import HasImages
from ...evaluation.methods import ProbeName
from ...report.result import Result
from ...runs import Work, writing
from ...utils import checks
from ...utils.atomic import write_json
from ...utils.errors import option
from ...utils.families import BadValue, NoResultYet, OptionConflict
from ...utils.tables import aligned
from ..pretrained import Pretrained
from .arms import Arm, fingerprint, make_arms
from .checked import check
from .compared import COMPARISON, PAGE, ControlsCompared, compare
from .kinds import KINDS, RUN
from .training import ArmRuns

PathLike = str | os.PathLike
FILE = "controls.json"
Log = Callable[[str], None]


@dataclasses.dataclass(frozen=True, eq=False)
class Controls(Result):
    """A run and the runs that it must be compared with.

    Attributes:
        name: Of the run's config.
        run_arm: The run itself.
        arms: Its controls.
        left_out: Why each of the other kinds is none of this run's controls.
        seeds: Of each run.
        given: A training of the run itself that was there before, of its own seed.
        out: Where the trained networks lie; None: they are not trained yet.
    """

    name: str
    run_arm: Arm = dataclasses.field(repr=False)
    arms: Sequence[Arm] = dataclasses.field(repr=False)
    left_out: Mapping[str, str]
    seeds: Sequence[int]
    given: Pretrained | None = dataclasses.field(default=None, repr=False)
    out: Path | None = None

    @property
    def all_arms(self) -> list[Arm]:
        """The run, then its controls."""
        return [self.run_arm, *self.arms]

    @property
    def configs(self) -> dict[str, Config]:
        """The complete config of each, by its name."""
        return {arm.name: arm.config for arm in self.all_arms}

    def run(
        self,
        out: PathLike,
        log: Log = lambda text: None,
        trust: bool = False,
        overwrite: bool = False,
    ) -> "Controls":
        """Trains what is not trained yet, each as `pretrain` trains it.

        Args:
            out: Gets a work dir ``ARM/seedN`` for each. A kill costs the steps since
                the last checkpoint; other kinds and seeds of the same run may follow.
            log: Receives a line for each run.
            trust: See `pretrain`.
            overwrite: Remove earlier controls there first, of this run or another.

        Returns:
            The same controls, which know where their networks lie.

        Raises:
            UserError: ``out`` holds something else, or controls of another run; or a
                training failed.
        """
        checks.path_like("out", out)
        checks.flag("trust", trust)
        checks.flag("overwrite", overwrite)
        checks.function("log", log)
        out, work = Path(out), self._work()
        if overwrite:
            work.clear(out)
        work.state(out)
        with work.growing(out):  # for ever: other kinds and seeds may follow
            write_json(out / FILE, self.to_dict())
            runs = self._runs(out)
            for arm in self.all_arms:
                for seed in self._seeds_of(arm):
                    runs.train(arm, seed, log, trust)
        return dataclasses.replace(self, out=out)

    def compare(
        self,
        target: PathLike | Sequence[PathLike],
        *,
        probe: ProbeName | Sequence[ProbeName] = ("knn", "linear"),
        subnet: str | None = None,
        level: float = 0.95,
        log: Log = lambda text: None,
        **running: Any,
    ) -> ControlsCompared:
        """Measures all networks, and the run against each control, seed by seed.

        Args:
            target: A labelled folder, train/CLASS/IMAGE and test/CLASS/IMAGE, or
                several: measured with frozen features of both parts.
            probe: See `evaluate`.
            subnet: Of elastic networks, the sub-net to measure, calibrated on the pool
                where it must be; None: the default one.
            level: Coverage of the intervals, see `paired_difference`.
            log: Receives a line for each network.
            **running: See `open_runner`.

        Raises:
            UserError: The networks are not trained yet, or cannot be measured on this
                target.
        """
        if self.out is None:
            raise NoResultYet("train the controls before they are compared: run(out)")
        folders = [target] if isinstance(target, str | os.PathLike) else target
        targets = [os.fspath(folder) for folder in folders]
        runs = self._runs(self.out)
        networks = {
            (arm.name, seed): runs.network(arm, seed)
            for arm in self.all_arms
            for seed in self._seeds_of(arm)
        }
        probes = [probe] if isinstance(probe, str) else list(probe)
        return compare(
            self, networks, targets, probes, subnet, level, log, dict(running)
        )

    def keep(self, compared: ControlsCompared) -> Path:
        """Writes a comparison beside the trainings; an earlier one gives way.

        Args:
            compared: Of these controls.

        Returns:
            The page.

        Raises:
            UserError: The networks are not trained yet, or the disk is full.
        """
        if self.out is None:
            raise NoResultYet("train controls before a comparison is kept: run(out)")
        with writing(self.out):
            write_json(self.out / COMPARISON, compared.to_dict())
            return compared.report(self.out / PAGE)

    def table(self) -> str:
        """Returns a line for each arm: steps, images, and what it is."""
        rows = [["arm", "what", "iterations", "images", "seen", "seeds"]]
        rows += [
            [
                arm.name,
                arm.what,
                f"{arm.iterations + (arm.before.iterations if arm.before else 0):,}",
                f"{arm.images:,}",
                f"{arm.images_seen:,}",
                str(len(self._seeds_of(arm))),
            ]
            for arm in self.all_arms
        ]
        lines = aligned(rows, 2)
        lines += [f"no {kind}: {why}" for kind, why in self.left_out.items()]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Returns what each arm is."""
        return {
            "config": self.name,
            "arms": [arm.to_dict() for arm in self.all_arms],
            "left_out": dict(self.left_out),
            "seeds": [*self.seeds],
            "out": None if self.out is None else str(self.out),
        }

    def save(self, folder: str | Path, overwrite: bool = False) -> Path:
        """Writes controls.json and a config for each arm, to train them elsewhere.

        Args:
            folder: See `Result.save`.
            overwrite: See `Result.save`.

        Raises:
            UserError: See `Result.save`.
        """
        files = (FILE, *(f"{arm.name}.py" for arm in self.all_arms))
        inputs = {arm.name: arm.to_dict() for arm in self.all_arms}
        work = Work("control configs", 1, inputs, files, "configs of control runs")
        work.state(folder, overwrite)
        with work.written(folder) as temporary:
            write_json(temporary / FILE, self.to_dict())
            for arm in self.all_arms:
                ShownConfig.of(arm.config).dump(temporary / f"{arm.name}.py")
        return Path(folder)

    def _work(self) -> Work:
        names = [RUN, *KINDS]
        return Work(
            "control runs",
            1,
            {"run": fingerprint(self.run_arm)},
            (FILE, COMPARISON, PAGE, *(f"{name}/" for name in names)),
            "control runs",
            words={"run": "another config or images"},
        )

    def _runs(self, out: Path) -> ArmRuns:
        return ArmRuns(out, self.given)

    def _seeds_of(self, arm: Arm) -> Sequence[int]:
        return self.seeds if arm.seeded else self.seeds[:1]


def controls(
    run: PathLike | Config | Pretrained,
    kinds: Sequence[str] | None = None,
    seeds: int | Sequence[int] = 3,
    *,
    public: PathLike | None = None,
    images: PathLike | None = None,
    selection: HasImages | PathLike | None = None,
    edited_selection: bool = False,
    weights: PathLike | None = None,
    iters: int | None = None,
    cfg_options: Mapping[str, Any] | None = None,
) -> Controls:
    """Returns the control runs of a pre-training; nothing is trained yet.

    A claim such as "selected images help" compares runs that differ in that alone. The
    controls share the run's recipe, batch size, number of iterations (so the images
    that are seen in all) and seeds, and differ as `KINDS` says: in the start, in the
    images, or in having no step at all. What depends on the number of images differs
    along, as it would for anybody: MoCo's queue may be longer on more images.

    Args:
        run: The run: a config (see `pretrain`), or a training that is done, which then
            is not done again for its seed.
        kinds: Names in `KINDS`; None: all that say something about this run.
        seeds: How many, from 0 on; or which.
        public: Weights for the kinds that begin with public ones, in the words of the
            config's ``weights``; None: those that the run itself begins with.
        images: See `pretrain`.
        selection: See `pretrain`.
        edited_selection: See `pretrain`.
        weights: What the run itself begins with, see `pretrain`.
        iters: See `pretrain`.
        cfg_options: See `pretrain`.

    Raises:
        UserError: A config that cannot be read, an unknown kind, or one that is asked
            for by name and says nothing about this run.
    """
    check(run, kinds, seeds, public, selection, images, weights)
    checks.whole("iters", iters, none=True)
    checks.options_of("cfg_options", cfg_options)
    checks.flag("edited_selection", edited_selection)
    given = None
    options: dict[str, Any] = dict(cfg_options or {})
    if isinstance(selection, HasImages):
        images = (selection.root or None) if images is None else images
    if isinstance(run, Pretrained):
        if options or any(v is not None for v in (images, selection, weights, iters)):
            raise OptionConflict("a training that is done has its images and options")
        given, name, cfg = run, run.name, run.config
    else:
        named = {"images": images, "weights": weights, "max_iters": iters}
        options |= {
            k: os.fspath(v) if isinstance(v, os.PathLike) else v
            for k, v in named.items()
            if v is not None
        }
        if selection is not None and not isinstance(selection, HasImages):
            options["selection"] = os.fspath(selection)
        if edited_selection:
            options["edited_selection"] = True
        cfg = load_config(run, options)
        name = (run.filename or "config.py") if isinstance(run, Config) else str(run)
    chosen = list(selection.image_ids) if isinstance(selection, HasImages) else None
    numbers = list(seeds if isinstance(seeds, Sequence) else range(seeds))
    if not numbers or len({*numbers}) < len(numbers):
        raise BadValue(f"{option('seeds')} asks for one different seed at least")
    public = None if public is None else os.fspath(public)
    arm, arms, left = make_arms(cfg, kinds, public, chosen)
    return Controls(name, arm, arms, left, numbers, given)
