"""Arms of one budget: trained longer and longer, the worse half left behind."""

import dataclasses
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...features.opening import open_runner
from ...networks import Network
from ...subnets import Cost
from ...utils.atomic import write_json
from ...utils.inputs import read_json, reading
from ..arms.arm import Arm, Case
from ..inspection.inspected import DENSE, Inspected
from .choose import RUNGS, choose, keep, lead
from .judge import judge_folds, judge_test
from .judged import Judged
from .trainings import Training, Trainings

JUDGED, TESTED = "judged", "tested"
# Points of a proxy that are no reason to prefer one arm.
_PROXY = 1.0
Log = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Rung:
    """What an arm was worth after one length of training.

    Attributes:
        iters: Its length; 0 of an arm that does not train.
        judged: Within the target's training images.
        kept: Whether it went on.
    """

    iters: int
    judged: Judged
    kept: bool

    def to_dict(self) -> dict[str, Any]:
        """Returns the means of the folds, JSON-ready."""
        inner = {probe: self.judged.by_fold(probe) for probe in self.judged.scores}
        return {"iters": self.iters, "inner": inner, "kept": self.kept}


@dataclasses.dataclass(frozen=True)
class Raced:
    """The end of a race.

    Attributes:
        rungs: Of each arm, in order.
        candidate: What goes into the verdict: what was chosen or, where that is the
            primary control, the best of those that are no controls.
        chosen: Within the target's training images: the first arm, controls first, that
            the best does not beat by a standard error.
        note: Why the best is not the chosen one; "" where it is.
    """

    rungs: Mapping[str, Sequence[Rung]]
    candidate: str
    chosen: str
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Race:
    """Trains and judges the arms of one case.

    Attributes:
        out: Holds ``judged`` and ``tested``.
        case: What the arms are made from.
        trainings: Runs them.
        device: Of the judging.
        workers: See `open_runner`.
        log: Takes a line for each figure.
        seed: Of the trainings.
    """

    out: Path
    case: Case
    trainings: Trainings
    device: str
    workers: int | None
    log: Log
    seed: int = 0

    def run(
        self,
        arms: Sequence[Arm],
        primary: Arm,
        iters: Mapping[str, int],
        preferred: str = "",
    ) -> Raced:
        """Runs a race; what was found before is not done again.

        Arms that do not train are judged once, and so are controls that do, at their
        full length. The others train to a half of it while there are more than two of
        them (to a quarter while there are more than four), and the better half goes on.

        Args:
            arms: Controls first, then those preferred where nothing tells them apart.
            primary: The control among them that was named beforehand.
            iters: Full lengths of the trainings, by arm.
            preferred: What the diagnosis would train. A detector or segmentor is judged
                here by a proxy, of whose leads below a point nothing follows; then this
                goes into the verdict, which is by fine-tuning.
        """
        rungs: dict[str, list[Rung]] = {arm.name: [] for arm in arms}
        fixed = [arm for arm in arms if arm.images is None or arm.control]
        left = [arm for arm in arms if arm not in fixed]
        is_proxy = self.case.found.kind in DENSE
        for share in RUNGS:
            if len(left) <= share:
                continue
            lengths = {arm.name: max(1, iters[arm.name] // share) for arm in left}
            judged = self.judge_all(left, lengths)
            both = {name: one.both() for name, one in judged.items()}
            means = {name: statistics.fmean(scores) for name, scores in both.items()}
            kept = {*keep(both)}
            behind = max(means.values()) - means.get(preferred, -100.0)
            if is_proxy and behind <= _PROXY:
                kept.add(preferred)
            for name, one in judged.items():
                rungs[name].append(Rung(lengths[name], one, name in kept))
            left = [arm for arm in left if arm.name in kept]
        finals = [arm for arm in arms if arm in fixed or arm in left]
        lengths = {arm.name: iters.get(arm.name, 0) for arm in finals}
        judged = self.judge_all(finals, lengths)
        for name, one in judged.items():
            rungs[name].append(Rung(lengths[name], one, True))
        choices = {arm.name for arm in finals if not arm.reference}
        scores = {name: one.both() for name, one in judged.items() if name in choices}
        order, slack = [primary.name], 0.0
        if is_proxy and left:
            named = [arm.name for arm in left if not arm.reference]
            order = [preferred if preferred in named else named[0], primary.name]
            slack = _PROXY
        order += [name for name in scores if name not in order]
        chosen = choose({name: scores[name] for name in order}, slack)
        trained = [arm.name for arm in left] or order[1:] or [primary.name]
        best = max(trained, key=lambda name: statistics.fmean(scores[name]))
        candidate = best if chosen == primary.name else chosen
        return Raced(rungs, candidate, chosen, _why_not_the_best(scores, chosen, slack))

    def judge_all(
        self, arms: Sequence[Arm], lengths: Mapping[str, int]
    ) -> dict[str, Judged]:
        """Trains arms where they train, and judges them.

        Args:
            arms: Which.
            lengths: Of their trainings, by arm.
        """
        trainings = [
            Training(arm, self.case, lengths[arm.name], self.seed)
            for arm in arms
            if arm.images is not None
        ]
        self.trainings.run(trainings)
        return {arm.name: self.judge(arm, lengths[arm.name]) for arm in arms}

    def judge(self, arm: Arm, iters: int) -> Judged:
        """Judges an arm within the target's training images."""
        return self._kept(JUDGED, arm, iters, judge_folds)

    def test(self, arm: Arm, iters: int) -> Judged:
        """Judges an arm on the test images."""
        return self._kept(TESTED, arm, iters, judge_test)

    def network(self, arm: Arm, iters: int) -> Network:
        """Returns the network of an arm, whose training is done."""
        config, checkpoint = None, None
        if arm.images is not None:
            training = Training(arm, self.case, iters, self.seed)
            config, checkpoint = self.trainings.trained(training)
        return arm.network(self.case, config, checkpoint, self.seed)

    def name_of(self, arm: Arm, iters: int) -> str:
        """Returns the name of the files of an arm at a length of its training."""
        return self.trainings.judged(Training(arm, self.case, iters, self.seed))

    def cost(self, arm: Arm, iters: int) -> Cost:
        """Returns what an image costs at inference, once the arm is trained."""
        if (known := arm.cost(self.case)) is not None:
            return known
        return self.network(arm, iters).cost(shape=arm.serves(self.case).side)

    def _kept(
        self,
        kind: str,
        arm: Arm,
        iters: int,
        judge: Callable[[Any, Inspected], Judged],
    ) -> Judged:
        name = self.name_of(arm, iters)
        file = self.out / kind / f"{name}.json"
        if not file.is_file():
            runner = open_runner(
                self.network(arm, iters),
                image_size=arm.serves(self.case).side,
                device=self.device,
                workers=self.workers,
            )
            found = judge(runner, self.case.found)
            file.parent.mkdir(parents=True, exist_ok=True)
            write_json(file, found.to_dict())
            figures = ", ".join(f"{p} {found.mean(p):.1f}" for p in found.scores)
            place = "test" if kind == TESTED else "folds of train"
            self.log(f"{name}, {place}: {figures}")
        with reading(file):
            return Judged.of_dict(read_json(file))


def _why_not_the_best(
    scores: Mapping[str, Sequence[float]], chosen: str, slack: float
) -> str:
    best = max(scores, key=lambda name: statistics.fmean(scores[name]))
    ahead, error = lead(scores[best], scores[chosen])
    if best == chosen or ahead <= 0:
        return ""
    least = f"{slack:g} point" if slack > error else "a standard error"
    return (
        f"{best} is {ahead:.1f} ± {error:.1f} points ahead of {chosen} on folds of "
        "the training images, by kNN and linear accuracy together: not by more than "
        f"{least}, and then the control is taken, or what is listed first."
    )
