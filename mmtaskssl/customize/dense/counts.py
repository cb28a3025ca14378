"""Average precision and overlap, as functions of which images there are."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...utils.families import ShapeMismatch
from ..verdict.difference import Difference

_RESAMPLES = 2000


class Counts(ABC):
    """What a model found on each test image, of which any sample has a metric."""

    metric: str

    @property
    @abstractmethod
    def images(self) -> int:
        """How many."""

    @abstractmethod
    def value(self, weights: np.ndarray) -> float:
        """Returns the metric in per cent.

        Args:
            weights: (N,) how often each image is in the sample.
        """


@dataclasses.dataclass(frozen=True, eq=False)
class Matches(Counts):
    """Detections of all images, matched with the boxes there are.

    Attributes:
        image: (D,) number of the image of each detection.
        label: (D,) its class.
        score: (D,) its confidence.
        hit: (D,) whether it is the first to lie on a box of its class (IoU 0.5).
        boxes: (N, C) boxes of each class in each image.
    """

    image: np.ndarray
    label: np.ndarray
    score: np.ndarray
    hit: np.ndarray
    boxes: np.ndarray

    metric = "mAP at IoU 0.5"

    @property
    def images(self) -> int:
        """See `Counts`."""
        return len(self.boxes)

    def value(self, weights: np.ndarray) -> float:
        """See `Counts`; classes without a box in the sample do not count.

        The area under the whole curve of precision, as in PASCAL VOC since 2010.
        """
        total = weights @ self.boxes
        found = []
        for label in np.flatnonzero(total):
            rows = np.flatnonzero(self.label == label)
            rows = rows[np.argsort(-self.score[rows], kind="stable")]
            weight = weights[self.image[rows]]
            true = np.cumsum(weight * self.hit[rows])
            shown = np.cumsum(weight)
            kept = shown > 0
            recall = true[kept] / total[label]
            precision = true[kept] / shown[kept]
            # The highest at that recall or beyond.
            envelope = np.maximum.accumulate(precision[::-1])[::-1]
            found.append(float(np.sum(np.diff(recall, prepend=0.0) * envelope)))
        return 100 * float(np.mean(found)) if found else 0.0

    @classmethod
    def of_dict(cls, found: dict[str, Any]) -> "Matches":
        """Reads what `DetectionCounts` wrote."""
        kinds = {"image": int, "label": int, "score": float, "hit": float}
        rows = {name: np.array(found[name], kind) for name, kind in kinds.items()}
        return cls(boxes=np.array(found["boxes"], float), **rows)


@dataclasses.dataclass(frozen=True, eq=False)
class Overlaps(Counts):
    """Pixels of each image.

    Attributes:
        intersection: (N, C) of prediction and truth, of each class.
        union: (N, C).
    """

    intersection: np.ndarray
    union: np.ndarray

    metric = "mIoU"

    @property
    def images(self) -> int:
        """See `Counts`."""
        return len(self.union)

    def value(self, weights: np.ndarray) -> float:
        """See `Counts`; classes that are nowhere in the sample do not count."""
        union = weights @ self.union
        seen = union > 0
        both = weights @ self.intersection
        return 100 * float(np.mean(both[seen] / union[seen])) if seen.any() else 0.0

    @classmethod
    def of_dict(cls, found: dict[str, Any]) -> "Overlaps":
        """Reads what `SegmentationCounts` wrote."""
        names = ("intersection", "union")
        return cls(*(np.array(found[name], float) for name in names))


def dense_difference(
    ours: Counts, theirs: Counts, name: str, level: float = 0.95
) -> Difference:
    """Compares two models on the same images, by the bootstrap over images.

    Each sample of images gives both models' metric (Efron and Tibshirani, 1993,
    chapter 13); p is twice the share of samples on the other side of none.

    Args:
        ours: Of one training.
        theirs: Of one training.
        name: Of the control.
        level: Coverage of the interval.

    Raises:
        UserError: Other images.
    """
    if ours.images != theirs.images or type(ours) is not type(theirs):
        raise ShapeMismatch("the two models were not tested on the same images")
    rng, count = np.random.default_rng(0), ours.images
    gaps = np.empty(_RESAMPLES)
    for place in range(_RESAMPLES):
        weights = np.bincount(rng.integers(count, size=count), minlength=count)
        gaps[place] = ours.value(weights) - theirs.value(weights)
    ends: Sequence[float] = np.quantile(gaps, ((1 - level) / 2, (1 + level) / 2))
    tail = min(np.mean(gaps <= 0), np.mean(gaps >= 0))
    p = min(1.0, max(2 * float(tail), 1 / _RESAMPLES))
    ones = np.ones(count)
    mean = ours.value(ones) - theirs.value(ones)
    return Difference(name, mean, float(ends[0]), float(ends[1]), p, count, 1)
