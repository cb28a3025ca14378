"""What to do, from what was measured and from past studies."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..inspection.inspected import DENSE
from .choice import WORTH, Given, choose
from .likeness import Likeness
from .measured import Measured, best_of
from .past_studies import PastStudies, Prediction

_KINDS = {
    "multilabel": "task of several labels an image",
    "detection": "detection",
    "segmentation": "segmentation",
}
# By what the images of a target are judged as those of a classification.
_PARTS = {"detection": "boxes", "segmentation": "regions"}
# A target in fewer of the pool's clusters than this share lies in a corner of it.
_CORNER = 1 / 4


@dataclasses.dataclass(frozen=True)
class Recommendation:
    """What to do.

    Attributes:
        lever: A name of `LEVERS`, see `choice`.
        start: Name of the start to begin from, or to be taught by.
        images: Of the pool, to train on; None: nothing is trained.
        pool: See `Likeness.use`.
        prediction: What the lever brings; None: no past study says.
        others: What other levers would bring.
        reasons: Sentences.
        would_change: What would change the answer, sentences.
        beside: Arms, that are worth a race beside it.
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

    @property
    def training(self) -> str:
        """The lever, or the first to try where it is the start as it is."""
        if self.lever != "start" or not self.others:
            return self.lever
        return max(self.others, key=lambda one: one.gain).lever

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


def before_of(
    best: Measured, like: Likeness, drawn: Measured | None = None
) -> dict[str, float]:
    """Returns what predictions are made from, as `PastStudy.before` has it.

    Args:
        best: The start that is begun from.
        like: Pool and target.
        drawn: The network of ours that would be trained, without weights; None: there
            is none.
    """
    found = {"linear": best.linear}
    if best.headroom is not None:
        found["headroom"] = best.headroom[0]
    if like.closest == like.closest:
        found["closeness"] = like.closest
    if drawn is not None:
        found["lead"] = best.linear - drawn.linear
    return found


def begun_with(
    measured: Sequence[Measured], like: Likeness
) -> tuple[Measured, Given, dict[str, float]]:
    """Returns the start that is begun from, what it may be, and `before_of` it.

    Args:
        measured: See `recommend`, as for the other.
        like: See above.
    """
    serving = [one for one in measured if one.serves and one.start.trained]
    start = best_of(serving or measured)
    given: Given = "start" if serving else "nothing"
    if not serving and start.start.trained:
        given = "teacher"
    drawn = next((one for one in measured if not one.start.trained), None)
    return start, given, before_of(start, like, drawn)


def recommend(
    measured: Sequence[Measured],
    like: Likeness,
    studies: PastStudies,
    kind: str = "classification",
    without: Collection[str] = (),
) -> Recommendation:
    """Says what to do: what past studies promise most of, and how sure that is.

    Args:
        measured: The starts, and the network of ours that would be trained, if there
            is one.
        like: Pool and target, by the features of the best of them.
        studies: Past ones.
        kind: Of the target, see `Inspected`.
        without: Levers that are not to be had.
    """
    start, given, before = begun_with(measured, like)
    mute = kind in DENSE and abs(before.get("lead", WORTH)) < WORTH
    if mute:  # it says nothing of what the start knows
        del before["lead"]
    choice = choose(given, before, like.use != "nothing", studies, without)
    lever = choice.lever
    predictions = [*choice.others]
    if choice.prediction is not None:
        predictions.append(choice.prediction)
    return Recommendation(
        lever,
        start.start.name,
        {"start": None, "generic": like.pool}.get(lever, like.images),
        like.use,
        choice.prediction,
        choice.others,
        _reasons(measured, start, like, lever, choice.prediction, kind, mute),
        _would_change(start, like, lever, predictions),
        [] if given == "start" else _beside(like),
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
    mute: bool,
) -> list[str]:
    found = [_of_pool(like)]
    if start.start.trained:
        ranked = ", ".join(f"{one.start.name} {one.linear:.1f}" for one in measured)
        found.append(
            f"Of the trained weights at hand {start.start.name} serve best (linear "
            f"accuracy on five folds of the training images, %: {ranked})."
        )
        drawn = [one for one in measured if not one.start.trained]
        if mute:
            found.append(
                f"A network before any training tells what its {_PARTS[kind]} show "
                "from each other as well: that says nothing of what serves the "
                f"{kind}, and only fine-tuning does."
            )
        elif drawn and start.linear <= drawn[0].linear:
            found.append(
                "That is no better than a network of your own before any training: "
                "what it knows is not what this target asks."
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
        found.append(f"Past studies: {prediction}.")
        if prediction.error is not None and prediction.error >= prediction.gain:
            found.append(
                "That error is as large as the gain: it may well bring nothing."
            )
        if not prediction.within:
            found.append(
                "No past target was like this one in these figures: that is a guess."
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
        "nothing": "has nothing of the target: its most similar images are "
        f"{'hardly' if like.closest > 0 else 'no'} more alike than random ones",
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
