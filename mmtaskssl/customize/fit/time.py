"""How many trainings, and how long ones, a time pays for."""

from collections.abc import Collection, Mapping, Sequence

from ...utils.units import duration
from ..arms.arm import Arm
from ..arms.generic_long import GenericLong
from ..arms.known import RANDOM_OF
from ..diagnosis.step_cost import StepCost
from ..race.choose import RUNGS

#: Trainings are not cut shorter than this share of their length.
LEAST_SHARE = 0.25
#: (arm, iterations) of a training.
Run = tuple[str, int]


def runs_of(arms: Sequence[Arm], lengths: Mapping[str, int], seeds: int) -> list[Run]:
    """Returns the trainings of a race, at most: by `Race.run`'s rules.

    Args:
        arms: That are raced.
        lengths: Of whole trainings, by arm.
        seeds: Trainings of what goes into the verdict.
    """
    controls = [arm.name for arm in arms if arm.images and arm.control]
    left = [arm.name for arm in arms if arm.images and not arm.control]
    found: list[Run] = []
    for share in RUNGS:
        if len(left) > share:
            found += [(name, max(1, lengths[name] // share)) for name in left]
            # Whoever stays: the longest, for an upper bound.
            left = sorted(left, key=lambda name: -lengths[name])
            left = left[: (len(left) + 1) // 2]
    found += [(name, lengths[name]) for name in [*controls, *left]]
    repeated = [*controls, *left[:1]] * (seeds - 1)
    repeated += [RANDOM_OF[name] for name in left[:1] if name in RANDOM_OF] * seeds
    return [*found, *((name, lengths[name]) for name in repeated)]


def fitted(
    arms: Sequence[Arm],
    costs: Mapping[str, StepCost],
    lengths: Mapping[str, int],
    seeds: int,
    seconds: float,
    at_once: int,
    fixed: Collection[str] = (),
    primary: str = "",
) -> tuple[list[Arm], dict[str, int], list[str]]:
    """Returns the arms and lengths of trainings that a time pays for.

    Trainings become shorter alike, to a quarter at most; then arms are left out, those
    that are preferred least first.

    Args:
        arms: Those that are preferred where nothing tells them apart first.
        costs: Of a step, by arm; a control on random images costs what its arm does.
        lengths: Of whole trainings, by arm.
        seeds: See `runs_of`.
        seconds: For all trainings.
        at_once: Trainings that run side by side, each at the measured speed.
        fixed: Arms whose trainings have their length already, or a multiple of it; of
            these only such as are references are left out, and they first.
        primary: Arm that is never left out.

    Returns:
        Arms, lengths, and what a user should know of what was cut.
    """
    left, said = list(arms), list[str]()
    costs = {**costs, **{RANDOM_OF[a]: c for a, c in costs.items() if a in RANDOM_OF}}
    while any(arm.images for arm in left):
        runs = runs_of(left, lengths, seeds)
        begins = sum(costs[name].begin for name, _ in runs)
        steps = {run: costs[run[0]].seconds * run[1] for run in runs}
        whole = sum(steps[run] for run in runs if run[0] in fixed)
        cut_alike = sum(steps[run] for run in runs if run[0] not in fixed)
        over = begins + whole > seconds * at_once
        if cut_alike == 0 and not (over and _references(left, fixed)):
            return left, dict(lengths), said
        share = (seconds * at_once - begins - whole) / max(cut_alike, 1e-9)
        if share >= 1:
            return left, dict(lengths), said
        if share >= LEAST_SHARE:
            said.append(
                f"trainings are cut to {100 * share:.0f} % of their length: all are to "
                f"take {duration(seconds)}"
            )
            cut = {
                name: n if name in fixed else max(1, int(share * n))
                for name, n in lengths.items()
            }
            return left, cut, said
        out = _least(left, fixed, primary)
        if out is None:
            return left, dict(lengths), said
        gone = [out]
        if out.name == GenericLong.name:  # with whose end some begin
            gone += [arm for arm in left if arm.goes_on_long]
        for arm in gone:
            left.remove(arm)
            said.append(f"no {arm.name}: {duration(seconds)} would not suffice for it")
    return left, dict(lengths), said


def _references(left: Sequence[Arm], fixed: Collection[str]) -> list[Arm]:
    return [arm for arm in left if arm.images and arm.reference and arm.name in fixed]


def _least(left: Sequence[Arm], fixed: Collection[str], primary: str) -> Arm | None:
    """Returns the arm that can be done without best; None: there is none."""
    if references := _references(left, fixed):
        return references[-1]
    trained = [
        arm
        for arm in left
        if arm.images and arm.name not in fixed and arm.name != primary
    ]
    others = [arm for arm in trained if not arm.control]
    return next(iter([*reversed(others), *reversed(trained)]), None)
