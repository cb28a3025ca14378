"""What to do, from what was measured and from past studies."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from .likeness import Likeness
from .measured import Measured, best_of
from .past_studies import PastStudies, Prediction

#: Levers, by the names of the arms of `customize`, and what they are in words.
LEVERS = {
    "start": "use the start as it is",
    "continued": "continue from the start on the selected images, taught by itself at "
    "twice the side",
    "continued-random": "continue from the start on random images of the pool, taught "
    "by itself at twice the side",
    "distilled": "distil the start into a smaller network on the selected images",
    "scratch": "pre-train a network of your own on the selected images",
    "generic": "pre-train a network of your own on the whole pool",
}
#: Points of linear accuracy, expected, that are worth a training.
WORTH = 1.0
_KINDS = {
    "multilabel": "task of several labels an image",
    "detection": "detection",
    "segmentation": "segmentation",
}
# A target in fewer of the pool's clusters than this share lies in a corner of it.
_CORNER = 1 / 4


@dataclasses.dataclass(frozen=True)
class Recommendation:
    """What to do.

    Attributes:
        lever: A name of `LEVERS`.
        start: Name of the start to begin from, or to be taught by.
        images: Of the pool, to train on; None: nothing is trained.
        pool: See `Likeness.use`.
        prediction: What the lever brings; None: no past study says.
        others: What other levers would bring.
        reasons: Sentences.
        would_change: What would change the answer, sentences.
        beside: Levers, by the names of their arms, that are worth a race beside it.
    """

    lever: str
    start: str
    images: int | None
    pool: str
    prediction: Prediction | None
    others: Sequence[Prediction]
    reasons: Sequence[str]
    would_change: Sequence[str]
    beside: Sequence[str] = ()

    def to_dict(self) -> dict[str, Any]:
        """Returns all of it, JSON-ready."""
        return dataclasses.asdict(self)

    @classmethod
    def of_dict(cls, found: Mapping[str, Any]) -> "Recommendation":
        """Returns what `to_dict` wrote."""
        own = found["prediction"]
        return cls(
            **{
                **found,
                "prediction": own and Prediction(**own),
                "others": [Prediction(**one) for one in found["others"]],
            }
        )


def figures_of(best: Measured, like: Likeness) -> dict[str, float]:
    """Returns what predictions are made from, as `PastStudy.before` has it."""
    found = {"linear": best.linear}
    if best.headroom is not None:
        found["headroom"] = best.headroom[0]
    if like.closest == like.closest:
        found["closeness"] = like.closest
    return found


def recommend(
    measured: Sequence[Measured],
    like: Likeness,
    studies: PastStudies,
    kind: str = "classification",
) -> Recommendation:
    """Says what to do.

    Of the levers that a past study has tried, the one whose predicted gain is largest,
    if that is worth a training; else the start as it is: what is least far from the
    best arm, as far as can be expected. How wrong a prediction may be is said.
    Without a start that the budget pays for there is no start to use as it is: a
    larger one teaches; without any, a network is trained on the images.

    Args:
        measured: The starts.
        like: Pool and target, by the features of the best of them.
        studies: Past ones.
        kind: Of the target, see `Inspected`.
    """
    best = best_of(measured)
    serving = [one for one in measured if one.serves and one.start.trained]
    of_use = like.use != "nothing"
    before = figures_of(best_of(serving) if serving else best, like)
    predictions: list[Prediction] = []
    if serving:
        start = best_of(serving)
        names = ["continued" if of_use else "continued-random", "distilled", "scratch"]
        found = (studies.predict(name, before) for name in names)
        predictions = [one for one in found if one is not None]
        worth = [one for one in predictions if one.gain >= WORTH]
        prediction = max(worth, key=lambda one: one.gain, default=None)
        lever = "start" if prediction is None else prediction.lever
    else:
        start, prediction = best, None
        lever = "distilled" if best.start.trained else "scratch"
        if lever == "scratch" and not of_use:
            lever = "generic"
    images = {"start": None, "generic": like.pool}.get(lever, like.images)
    return Recommendation(
        lever,
        start.start.name,
        images,
        like.use,
        prediction,
        [one for one in predictions if one is not prediction],
        _reasons(measured, start, like, lever, prediction, kind),
        _would_change(start, like, lever, predictions),
        [] if serving else _beside(like),
    )


def _beside(like: Likeness) -> list[str]:
    """Returns what to try where no start serves; none that does was ever beaten so."""
    return ["slimmed", *(["routed"] if _in_a_corner(like) else [])]


def _in_a_corner(like: Likeness) -> bool:
    return like.spread is not None and (like.spread.clusters < _CORNER * like.spread.of)


def _reasons(
    measured: Sequence[Measured],
    start: Measured,
    like: Likeness,
    lever: str,
    prediction: Prediction | None,
    kind: str,
) -> list[str]:
    found = [_of_pool(like)]
    if start.start.trained:
        ranked = ", ".join(f"{one.start.name} {one.linear:.1f}" for one in measured)
        found.append(
            f"{start.start.name} is the best start at hand (linear, five folds of the "
            f"training images, %: {ranked})."
        )
        if start.start.public:
            found.append(f"Its weights know {start.start.public}.")
    else:
        found.append("No start with weights is at hand.")
    if start.headroom is not None:
        gain, error = start.headroom
        found.append(
            f"Shown images of {start.at[-1].side} instead of {start.at[0].side} px, "
            f"{start.start.name} gains {gain:+.1f} ± {error:.1f} points: what it could "
            "at best teach itself."
        )
    if prediction is not None:
        found.append(f"Past studies promise {prediction}.")
        if prediction.error is not None and prediction.error >= prediction.gain:
            found.append(
                "That error is as large as the gain: it may well bring nothing."
            )
        if not prediction.within:
            found.append(
                "This target's figures lie outside theirs: the promise is a guess."
            )
        if kind != "classification":
            found.append(
                f"They were of classifications, and this is a {_KINDS[kind]}: by its "
                "images' classes it is judged as one."
            )
    elif lever != "start":
        found.append("No past study says what this brings.")
    else:
        found.append("No past study promises that a training is worth a point.")
    return found


def _of_pool(like: Likeness) -> str:
    part = "" if like.seen == like.pool else f" (by {like.seen:,} of its images)"
    said = {
        "alike": f"has images of the target's own kind, about {like.images:,}",
        "related": f"has related images, about {like.images:,}, none of the target's "
        "own kind",
        "nothing": "has nothing of the target: its most similar images are hardly more "
        "alike than random ones",
        "unknown": "cannot be compared with the target by these features",
    }[like.use]
    figures = f"similarity {like.curve[0][1]:.2f}, random {like.random:.2f}"
    return f"The pool{part} {said} ({figures}, the target's own {like.own:.2f})."


def _would_change(
    start: Measured,
    like: Likeness,
    lever: str,
    predictions: Sequence[Prediction],
) -> list[str]:
    found = []
    if not start.start.public:
        found.append(
            "A public start (timm:NAME=FILE) may be better than anything trained on "
            "this pool: none was given."
        )
    if like.use in ("nothing", "related"):
        found.append(
            "Images of the target's own kind in the pool: then selecting would pay."
        )
    if lever == "start" and start.headroom is None:
        found.append(
            "A look at a larger side: without it nothing is known of what the start "
            "could teach itself."
        )
    if lever == "start" and not predictions:
        found.append("A past study that has tried to continue from such a start.")
    if lever == "continued" and start.headroom is not None:
        found.append(
            "Larger images in use: what the start hands down is what it sees in them."
        )
    if any(one.error is None or one.studies < 10 for one in predictions):
        found.append(
            "More past studies: by few of them a prediction can be wrong by more than "
            "its own error."
        )
    spread = like.spread
    if spread is not None and _in_a_corner(like):
        found.append(
            f"More targets of this kind: this one lies in {spread.clusters:.1f} of "
            f"{spread.of} clusters of the pool, and one routed or searched network "
            "(route, search) would serve several; no past study says that it beats a "
            "start."
        )
    return found
