"""From a race to the answer: more seeds, the test images, the verdict."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.config import Config

from ..arms.arm import Arm, Case
from ..arms.known import ARMS, RANDOM_OF
from ..dense.counts import dense_difference
from ..dense.trial import Trial
from ..fit.body import Body
from ..fit.own import is_ours
from ..inspection.inspected import DENSE
from ..verdict.difference import Difference, difference
from ..verdict.verdict import Verdict, decide
from .judged import PROBES
from .levers import levers
from .race import Race, Raced, Rung
from .trainings import Training


@dataclasses.dataclass(frozen=True, eq=False)
class Answer:
    """What was found for one budget.

    Attributes:
        race: What ran.
        raced: Its end.
        primary: The control that was named beforehand.
        iters: Full lengths of the trainings, by arm.
        tests: On the test images, by arm and metric, one a seed.
        verdict: What to use.
        levers: What each brings, see `levers`.
    """

    race: Race
    raced: Raced
    primary: Arm
    iters: Mapping[str, int]
    tests: Mapping[str, Mapping[str, Sequence[float]]]
    verdict: Verdict
    levers: Sequence[dict[str, Any]] = ()

    def arms(self) -> list[dict[str, Any]]:
        """Returns the part of the record on each arm."""
        return [self._arm(ARMS[name], rungs) for name, rungs in self._rungs().items()]

    def _rungs(self) -> dict[str, Sequence[Rung]]:
        found: dict[str, Sequence[Rung]] = dict(self.raced.rungs)
        for name in self.tests:
            found.setdefault(name, [])
        return found

    def _arm(self, arm: Arm, rungs: Sequence[Rung]) -> dict[str, Any]:
        case, runs = self.race.case, self.race.trainings
        tests, serves = self.tests.get(arm.name), arm.serves(case)
        iters = self.iters.get(arm.name, 0) if arm.images is not None else 0
        lengths = [rung.iters for rung in rungs] or [iters]
        trainings = []
        if arm.images is not None:
            trainings = [Training(arm, case, n, self.seed) for n in lengths]
            more = self._repeats(arm) - 1
            trainings += [
                Training(arm, case, iters, self.seed + i + 1) for i in range(more)
            ]
        last = trainings[len(lengths) - 1] if trainings else None
        trainings = list({t.name: t for t in trainings}.values())
        cost = self.race.cost(arm, lengths[-1])
        seen = sum(t.iters for t in trainings)
        batch, teacher = 0, None
        if last is not None:
            cfg = runs.trained(last)[0]
            batch, teacher = cfg.train_dataloader.batch_size, _teacher(cfg, case)
        return {
            "name": arm.name,
            "what": arm.what(case),
            "budget": case.budget,
            "side": serves.side,
            "macs": cost.macs,
            "params": cost.params,
            "start": serves.start.name if isinstance(serves, Body) else None,
            "teacher": teacher,
            "control": arm.control,
            "primary": arm.name == self.primary.name,
            "command": runs.command(last) if last else None,
            "seeds": [self.seed + i for i in range(self._repeats(arm))],
            "rungs": [rung.to_dict() for rung in rungs],
            "share": last.iters / arm.full if last and arm.full else None,
            "test": tests,
            "images_seen": seen * batch,
            "gmacs_seen": seen * batch * cost.macs / 1e9,
            "seconds": sum(runs.seconds(t) for t in trainings),
            "trainings": [
                {
                    "name": t.name,
                    "seconds": runs.seconds(t),
                    "gmacs": t.iters * batch * cost.macs / 1e9,
                    "shared": runs.shares(t),
                }
                for t in trainings
            ],
            "checkpoint": str(runs.checkpoint(last)) if last else None,
        }

    def _repeats(self, arm: Arm) -> int:
        values = [*self.tests.get(arm.name, {}).values()]
        return len(values[0]) if values else 1

    @property
    def seed(self) -> int:
        """The first one."""
        return self.race.seed


def answer(
    race: Race,
    arms: Sequence[Arm],
    primary: Arm,
    iters: Mapping[str, int],
    seeds: int,
    case_of: Callable[[int], Case],
    level: float,
    fine_tune: int | None = None,
    preferred: str = "",
) -> Answer:
    """Races the arms of a budget, repeats what the verdict needs, and reads the test.

    Args:
        race: Of the budget.
        arms: See `Race.run`.
        primary: See `Race.run`.
        iters: See `Race.run`.
        seeds: Trainings of the candidate, and of its control on random images.
        case_of: Returns the case of a seed, whose random images are its own.
        level: Of the intervals.
        fine_tune: See `Trial`.
        preferred: See `Race.run`.
    """
    raced = race.run(arms, primary, iters, preferred)
    candidate = ARMS[raced.candidate]
    beside = [arm for arm in arms if arm.control and arm.name != candidate.name]
    random = RANDOM_OF.get(candidate.name)
    if random and random not in raced.rungs and not race.case.takes_all:
        beside.append(ARMS[random])
    compared = [candidate, *beside]
    repeats = [
        dataclasses.replace(race, case=case_of(n), seed=n)
        for n in range(race.seed, race.seed + seeds)
    ]
    if race.case.found.kind in DENSE:
        compared = [candidate, primary] if candidate is not primary else [primary]
        trial = Trial(race, fine_tune)
        return _dense(trial, raced, compared, arms, iters, level)
    trainings = [
        Training(arm, one.case, iters[arm.name], one.seed)
        for one in repeats
        for arm in compared
        if arm.images is not None
    ]
    race.trainings.run(trainings)
    tests = {
        arm.name: [
            one.test(arm, iters.get(arm.name, 0) if arm.images else 0)
            for one in (repeats if arm.images or arm.seeded else repeats[:1])
        ]
        for arm in compared
    }

    def compare(arm: str, control: str) -> Difference:
        ours, theirs = (
            [one.scores["linear"] for one in tests[name]] for name in (arm, control)
        )
        return difference(ours, theirs, control, level)

    means = {
        name: {probe: [one.mean(probe) for one in found] for probe in PROBES}
        for name, found in tests.items()
    }
    verdict = decide(
        [arm.name for arm in compared],
        compare,
        primary=primary.name,
        candidate=candidate.name,
        chosen=raced.chosen,
        names=_names(race.case, [*arms, *compared]),
        metric="linear top-1" if _single(race.case) else "linear ranking precision",
        budget=race.case.budget,
        level=level,
        controls=[arm.name for arm in compared if arm.control],
        note=raced.note,
    )
    found = _levers(race.case, raced, tests, arms, iters, compare)
    return Answer(race, raced, primary, iters, means, verdict, found)


def _levers(
    case: Case,
    raced: Raced,
    tested: Mapping[str, Any],
    arms: Sequence[Arm],
    iters: Mapping[str, int],
    compare: Callable[[str, str], Difference],
) -> list[dict[str, Any]]:
    """Returns what each lever brings, see `levers`."""
    full = {arm.name: iters[arm.name] for arm in arms if arm.images is not None}
    by_our_recipe = case.own is None or is_ours(case.own.config)
    taught = case.teacher is not None
    return levers(raced.rungs, tested, full, taught, by_our_recipe, compare)


def _dense(
    trial: Trial,
    raced: Raced,
    compared: Sequence[Arm],
    arms: Sequence[Arm],
    iters: Mapping[str, int],
    level: float,
) -> Answer:
    """Compares by short fine-tunings of a detector or a segmentor, one seed."""
    race, candidate, primary = trial.race, compared[0], compared[-1]
    lengths = {arm.name: iters.get(arm.name, 0) for arm in compared if arm.images}
    counts = trial.run(compared, lengths)
    metric = counts[primary.name].metric

    def compare(arm: str, control: str) -> Difference:
        return dense_difference(counts[arm], counts[control], control, level)

    verdict = decide(
        [arm.name for arm in compared],
        compare,
        primary=primary.name,
        candidate=candidate.name,
        chosen=raced.chosen,
        names=_names(race.case, arms),
        metric=metric,
        budget=race.case.budget,
        level=level,
        controls=[arm.name for arm in compared if arm.control],
    )
    tests = {
        name: {metric: [one.value(np.ones(one.images))]} for name, one in counts.items()
    }
    found = _levers(race.case, raced, counts, arms, iters, compare)
    return Answer(race, raced, primary, iters, tests, verdict, found)


def _names(case: Case, arms: Sequence[Arm]) -> dict[str, str]:
    return {arm.name: arm.what(case) for arm in arms}


def _teacher(cfg: Config, case: Case) -> str | None:
    """Returns the name of the start that taught a training; None: none did."""
    found = cfg.model.get("distill") or ()
    parts = [found] if isinstance(found, Mapping) else found
    named = any((part.get("teacher") or {}).get("network") for part in parts)
    return case.teacher.start.name if named and case.teacher is not None else None


def _single(case: Case) -> bool:
    return all(len(labels) == 1 for labels in case.found.train.labels)
