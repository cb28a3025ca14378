"""From which agreement on images count as the same."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..features.copies import KINDS, read_copy
from . import pixels
from .pictures import FLOOR, Pictures, Reader, best_matches

#: Images whose copies the threshold is calibrated on.
SAMPLE = 100
# The threshold finds this share of the copies of every kind ...
_RECALL = 0.98
# ... but not below what unlike images reach, nor above what is safe for kinds that were
# not tried. Set on signdigits alone, see model_zoo.md.
_LOWEST, _HIGHEST = 0.86, 0.92
# So many images tell how different ones agree, half of them compared with the others.
_STRANGERS, _ALMOST_ALL = 400, 0.95
# Of known copies so many agree less than is asked of unknown ones.
_FEW = 0.1


@dataclasses.dataclass(frozen=True)
class Calibration:
    """From which agreement on images count as the same.

    Attributes:
        threshold: Agreement.
        recall: Share of the known copies of each kind that it finds.
        copied: Images that these were made of.
    """

    threshold: float
    recall: dict[str, float]
    copied: int

    @classmethod
    def of(
        cls,
        root: str | Path,
        image_ids: Sequence[str],
        pictures: Pictures,
        copied: int = SAMPLE,
        floor: float = FLOOR,
        copies_among: bool = False,
    ) -> "Calibration":
        """Learns from copies of some images how copies agree, and how others do.

        Where images of one kind are nearly the same, as digits are, copies must differ
        half as much as all but one in twenty of them.

        Args:
            root: Folder of the images.
            image_ids: The images.
            pictures: The same, read.
            copied: How many of them a copy of each kind is made of.
            floor: See `best_matches`.
            copies_among: Whether many of the images may be copies of each other: then
                what agrees as nearly all known copies do tells nothing of others.
        """
        seen = [row for row, d in enumerate(pictures.details) if d is not None]
        sample = np.random.default_rng(0).permutation(seen)[:copied].tolist()

        def reader(name: str) -> Reader:
            return lambda: read_copy(Path(root), name, 2 * pixels.SIDE)

        agreement = {}
        for kind in KINDS if sample else ():
            readers = [reader(f"{image_ids[row]}@{kind}") for row in sample]
            found = best_matches(Pictures.read(readers), pictures, floor=floor)
            agreement[kind] = np.array(
                [-1.0 if p is None else p[1].agreement for p in found]
            )
        lowest = [
            np.quantile(v, 1 - _RECALL, method="lower") for v in agreement.values()
        ]
        threshold = float(np.clip(min(lowest, default=1.0), _LOWEST, _HIGHEST))
        below = 2.0
        if copies_among and agreement:
            every = np.concatenate([*agreement.values()])
            below = float(np.quantile(every, _FEW, method="lower"))
        threshold = max(threshold, _beyond_strangers(pictures, seen, floor, below))
        recall = {k: float((v >= threshold).mean()) for k, v in agreement.items()}
        return cls(threshold, recall, len(sample))


def _beyond_strangers(
    pictures: Pictures, seen: Sequence[int], floor: float, below: float
) -> float:
    """Returns the agreement that different images do not reach.

    Args:
        pictures: Of which some may be copies of others, but not one in twenty that
            agree less than ``below``.
        seen: Rows of those that could be read.
        floor: See `best_matches`.
        below: What agrees as much is taken for a copy, and not looked at.
    """
    rows = np.random.default_rng(1).permutation(seen)[:_STRANGERS].tolist()
    first, second = (pictures.subset(sorted(half)) for half in (rows[::2], rows[1::2]))
    if not len(second):
        return 0.0
    found = best_matches(first, second, floor=floor)
    agreement = [0.0 if pair is None else pair[1].agreement for pair in found]
    agreement = [value for value in agreement if value < below] or [0.0]
    return 1 - (1 - float(np.quantile(agreement, _ALMOST_ALL))) / 2
