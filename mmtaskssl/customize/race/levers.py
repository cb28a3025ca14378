"""What each lever brings: two arms that differ by it, and by nothing else."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..arms.known import ARMS
from ..verdict.difference import Difference
from .choose import lead
from .race import Rung

#: (arm, the arm without the lever, the lever in words). Both begin from the same
#: weights and train by the same objective, as long unless that is the lever: a
#: slimmable network without a teacher (BYOL) and a routed one (SimSiam, on the pool)
#: have no such pair.
LEVERS = (
    ("norms", "start", "batch norms of the pool"),
    ("continued-random", "start", "training, on random images"),
    ("continued", "continued-random", "the choice of images"),
    ("continued", "start", "training, on the chosen images"),
    ("continued-target", "continued", "the target's own images beside them"),
    ("specialist", "continued", "all images of its clusters instead of the nearest"),
    ("generic", "untrained", "training, on the whole pool"),
    ("generic-long", "generic", "four times the training, on the whole pool"),
    ("branched-random", "generic", "more training, on random images"),
    ("branched", "branched-random", "the choice of images"),
    ("branched", "generic", "more training, on the chosen images"),
    ("branched-long", "branched-long-random", "the choice of images"),
    ("branched-long", "generic-long", "more training, the target's images among it"),
    ("scratch-random", "untrained", "training, on random images"),
    ("scratch", "scratch-random", "the choice of images"),
    ("scratch", "generic", "the choice of images, against the whole pool"),
    ("scratch", "untrained", "training, on the chosen images"),
    ("distilled-random", "untrained", "a teacher, on random images"),
    ("distilled", "distilled-random", "the choice of images"),
    ("distilled", "scratch", "a teacher"),
    ("slimmed", "distilled", "all widths at once"),
    ("searched", "distilled", "a shape searched in a supernet"),
    ("searched", "scratch", "a shape searched in a supernet"),
)
# Lengths are whole numbers of iterations, and a few of them are no lever.
_ROUNDED = 0.05
# With a teacher more than the lever would differ.
_ALONE = {("searched", "scratch")}
# Distillation has one recipe, which is our own network's.
_OF_OUR_RECIPE = {("distilled", "scratch")}


def levers(
    rungs: Mapping[str, Sequence[Rung]],
    tested: Mapping[str, Any],
    full: Mapping[str, int],
    is_taught: bool,
    is_our_recipe: bool,
    compare: Callable[[str, str], Difference],
) -> list[dict[str, Any]]:
    """Compares arms that differ by one lever, wherever both were judged.

    Args:
        rungs: Of each arm, in order.
        tested: Arms that the test images were read for.
        full: Lengths of whole trainings, by arm.
        is_taught: Whether networks with sub-nets had a teacher.
        is_our_recipe: Whether the network of ours trains by our own recipe.
        compare: Returns the difference of two arms on the test images.

    Returns:
        JSON-ready: "lever", "arm" and "without"; "folds", the mean difference of linear
        accuracy within the training images, its standard error over images, and the
        share of the training after which both were judged (None: they were not at the
        same one); "test", a `Difference` (None: the test images were not read for
        both). What neither says anything of is left out.
    """
    found = []
    for arm, without, lever in LEVERS:
        pair = arm, without
        if (is_taught and pair in _ALONE) or (
            not is_our_recipe and pair in _OF_OUR_RECIPE
        ):
            continue
        if not _as_long(arm, without, full):
            continue
        folds = _folds(rungs.get(arm, ()), rungs.get(without, ()), arm, without, full)
        test = None
        if arm in tested and without in tested:
            test = compare(arm, without).to_dict()
        if folds or test:
            found.append(
                {
                    "lever": lever,
                    "arm": arm,
                    "without": without,
                    "folds": folds,
                    "test": test,
                }
            )
    return found


def _as_long(arm: str, without: str, full: Mapping[str, int]) -> bool:
    """Whether both have the lengths that the lever means, as one time may not allow.

    What goes on from another's end is longer than that in any case.
    """
    if arm not in full or without not in full or ARMS[arm].goes_on:
        return True
    meant = ARMS[arm].full / ARMS[without].full
    return abs(full[arm] / full[without] / meant - 1) <= _ROUNDED


def _folds(
    ours: Sequence[Rung],
    theirs: Sequence[Rung],
    arm: str,
    without: str,
    full: Mapping[str, int],
) -> dict[str, float] | None:
    def shares(rungs: Sequence[Rung], name: str) -> dict[float, Rung]:
        length = full.get(name, 0)
        return {rung.iters / length if length else 1.0: rung for rung in rungs}

    mine, others = shares(ours, arm), shares(theirs, without)
    if without not in full:  # it does not train: what it is worth it is at any time
        others = dict.fromkeys(mine, *others.values()) if others else {}
    common = max({*mine} & {*others}, default=None)
    if common is None:
        return None
    mean, error = lead(
        mine[common].judged.of("linear"), others[common].judged.of("linear")
    )
    return {"mean": mean, "error": error, "share": common}
