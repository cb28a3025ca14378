"""Copies of test images, which nobody may learn from."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...selection.calibration import Calibration
from ...selection.pictures import Pictures, best_matches
from ...selection.tints import Tint
from .facts import ImageFacts, look
from .limits import MOST_COMPARED

# Known copies are made of so many test images, to see how many of them are found.
_COPIED = 30
# Above the floor of the guard over features, which also has these to go by: a third of
# the time, and no copy is lost but crops.
_FLOOR = 0.55


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """The images that the verdict is on, as others are compared with them.

    Attributes:
        names: As messages name them.
        row_of: Row of each hash of a file's bytes.
        facts: Of those that are compared by their pixels.
        pictures: The same.
        calibration: How.
    """

    names: Sequence[str]
    row_of: dict[str, int]
    facts: Sequence[ImageFacts]
    pictures: Pictures
    calibration: Calibration

    @classmethod
    def read(
        cls, root: Path, image_ids: Sequence[str], hashes: Sequence[str]
    ) -> "HeldOut":
        """Reads them.

        Args:
            root: Their folder.
            image_ids: Paths in it.
            hashes: SHA-256 of each.
        """
        drawn = np.random.default_rng(0).permutation(len(image_ids))[:MOST_COMPARED]
        compared = sorted(drawn.tolist())
        ids = [image_ids[row] for row in compared]
        facts, pictures = look(root, ids)
        calibration = Calibration.of(root, ids, pictures, _COPIED, _FLOOR)
        # Those that are compared come first.
        order = [*compared, *sorted({*range(len(image_ids))} - {*compared})]
        names = [image_ids[row] for row in order]
        row_of = {hashes[row]: place for place, row in enumerate(order)}
        return cls(names, row_of, facts, pictures, calibration)

    def copies_among(
        self, facts: Sequence[ImageFacts], pictures: Pictures, tinted: bool = True
    ) -> list[str]:
        """Says which images are copies of test images.

        Args:
            facts: Of N images.
            pictures: The same.
            tinted: Whether a copy may have other colours (not only none). Boards and
                grids look like that, too, which costs a pool little, and a small class
                much.

        Returns:
            Of each what it is a copy of, in words; "" if of none.
        """
        found = [""] * len(facts)
        matches = best_matches(pictures, self.pictures, floor=_FLOOR)
        for row, (fact, match) in enumerate(zip(facts, matches, strict=True)):
            if (same := self.row_of.get(fact.sha256)) is not None:
                found[row] = f"the same file as test image {self.names[same]}"
            elif match and match[1].agreement >= self.calibration.threshold:
                name, how = self.names[match[0]], match[1].transform
                if not tinted and _differ(fact, self.facts[match[0]]):
                    continue
                found[row] = f"the same pixels as test image {name} ({how})"
        return found

    def describe(self) -> dict[str, Any]:
        """Returns how images were compared."""
        found = self.calibration
        return {
            "by_pixels": len(self.pictures),
            "threshold": round(found.threshold, 4),
            "recall": {kind: round(v, 4) for kind, v in found.recall.items()},
            "copied": found.copied,
        }


def _differ(first: ImageFacts, second: ImageFacts) -> bool:
    """Whether two images have colours, and others."""
    left, right = (Tint((f.tint[0], f.tint[1]), f.grey) for f in (first, second))
    return left.differs(right)
