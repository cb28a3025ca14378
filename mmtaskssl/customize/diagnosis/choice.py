"""Which lever past studies promise most of."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from .past_studies import PastStudies, Prediction

#: Levers, by the names of the arms of `customize`, and what they are in words.
LEVERS = {
    "start": "use the start as it is",
    "continued": "continue from the start on the selected images, taught by itself at "
    "twice the side",
    "continued-target": "continue from the start on the selected images and the "
    "target's own training images, taught by itself at twice the side",
    "continued-random": "continue from the start on random images of the pool, taught "
    "by itself at twice the side",
    "distilled": "distil the start into a network of your own on the selected images",
    "scratch": "pre-train a network of your own on the selected images",
    "branched": "pre-train a network of your own on the whole pool, and go on with it "
    "on the selected images",
    "branched-long": "pre-train a network of your own on the whole pool, four times as "
    "long, and go on with it on the selected images",
    "generic": "pre-train a network of your own on the whole pool",
}
#: Points of linear accuracy, expected, that are worth a training.
WORTH = 1.0
#: What there is to begin with: a start that the budget pays for, one that may only
#: teach, or nothing.
Given = Literal["start", "teacher", "nothing"]
_SELECTED = ("continued", "continued-target")
_OWN = ("distilled", "scratch")
_WITHOUT_START = ("scratch", "branched", "branched-long", "generic")


@dataclasses.dataclass(frozen=True)
class Choice:
    """A lever, and what is expected of it and of others.

    Attributes:
        lever: A name of `LEVERS`.
        prediction: What it brings; None: no past study says.
        others: What other levers would bring.
    """

    lever: str
    prediction: Prediction | None
    others: Sequence[Prediction]


def choose(
    given: Given,
    before: Mapping[str, float],
    is_pool_of_use: bool,
    studies: PastStudies,
    without: Collection[str] = (),
) -> Choice:
    """Chooses a lever.

    With a start that the budget pays for: the lever whose predicted gain is largest, if
    that is worth a training; else the start as it is, which is what is least far from
    the best arm, as far as can be expected. Of a larger start there is nothing to use
    as it is: it teaches. Without any, the lever whose predicted gain over an untrained
    network is largest; where no study says, what has been chosen.

    Args:
        given: What there is to begin with.
        before: What the diagnosis found, see `PastStudy.before`.
        is_pool_of_use: Whether to select from it.
        studies: Past ones.
        without: Levers that are not to be had.
    """
    if given == "teacher":
        return Choice("distilled", None, [])
    if given == "start":
        chosen = _SELECTED if is_pool_of_use else ("continued-random",)
        found = _predicted((*chosen, *_OWN), before, studies.with_start())
        worth = [one for one in found if one.gain >= WORTH]
        return _chosen("start", worth, found)
    usual = _WITHOUT_START if is_pool_of_use else ("generic",)
    names = [name for name in usual if name not in without]
    found = _predicted(names, before, studies.without_start())
    return _chosen(names[0], found, found)


def _predicted(
    names: Sequence[str], before: Mapping[str, float], studies: PastStudies
) -> list[Prediction]:
    found = (studies.predict(name, before) for name in names)
    return [one for one in found if one is not None]


def _chosen(
    usual: str, worth: Sequence[Prediction], found: Sequence[Prediction]
) -> Choice:
    best = max(worth, key=lambda one: one.gain, default=None)
    others = [one for one in found if one is not best]
    return Choice(usual if best is None else best.lever, best, others)
