"""Can the masks of objects be drawn?"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from .findings import MOST, Finding, Tally

_LEAST_CORNERS = 6  # numbers of a triangle


class ShapeJudge:
    """Takes the polygons and run lengths of objects, and says what is wrong."""

    def __init__(self) -> None:
        self._total = 0
        self._absent, self._sizes, self._runs = Tally(), Tally(), Tally()
        self._none, self._unit = Tally(), Tally()

    def add(self, place: str, shape: Any, size: tuple[int, int] | None) -> None:
        """Takes one.

        Args:
            place: Where it stands, for the messages.
            shape: COCO's "segmentation".
            size: Width and height of the image; None: unknown.
        """
        self._total += 1
        if not shape:
            self._absent.add(place)
        elif isinstance(shape, Mapping):
            self._add_runs(place, shape, size)
        else:
            self._add_polygons(place, shape)

    def _add_runs(
        self, place: str, shape: Mapping[str, Any], size: tuple[int, int] | None
    ) -> None:
        own, counts = shape.get("size"), shape.get("counts")
        whole = isinstance(own, list) and [*map(type, own)] == [int, int]
        if not whole or not counts:
            self._runs.add(place)
            return
        if size is not None and own != [size[1], size[0]]:
            self._sizes.add(f"{place}: {own[1]} x {own[0]}, not {size[0]} x {size[1]}")
            return
        runs = runs_of(counts)
        if min(runs, default=-1) < 0 or sum(runs) != own[0] * own[1]:
            self._runs.add(place)

    def _add_polygons(self, place: str, polygons: Any) -> None:
        good = whole_polygons(polygons)
        if not good:
            self._none.add(place)
        elif max(map(max, good)) <= 1:
            self._unit.add(place)

    def findings(self, where: str) -> Sequence[Finding]:
        """Says what was found.

        Args:
            where: Of what the masks are, such as a file's name.
        """
        found = []
        for tally, least, words in (
            (self._absent, 0, "have no mask, which the config's model learns from"),
            (self._sizes, 0, "have a mask of another size than their image"),
            (self._runs, 0, "have a mask whose run lengths cannot be decoded"),
            (self._unit, MOST, "have polygons of shares of a side, not of pixels"),
            (self._none, MOST, "have polygons of fewer than three corners"),
        ):
            if tally.count:
                error = tally.count > least * self._total
                text = f"{tally.of(self._total, f'objects of {where}')} {words}: " + (
                    "correct or remove them" if error else "they are left out"
                )
                found.append(Finding("error" if error else "warning", text))
        return found


def whole_polygons(polygons: Any) -> list[list[float]]:
    """Returns those of COCO's polygons that are some: of three corners at least."""
    return [
        corners
        for corners in (polygons if isinstance(polygons, list) else [])
        if isinstance(corners, list)
        and len(corners) >= _LEAST_CORNERS
        and len(corners) % 2 == 0
        and all(isinstance(c, int | float) and math.isfinite(c) for c in corners)
    ]


def runs_of(counts: Any) -> list[int]:
    """Returns run lengths, decompressed; pycocotools does not notice cut ones.

    Five bits a character, the lowest first, with a sixth where more follow; signed, and
    from the fourth run on the difference from the one before the last.
    """
    if isinstance(counts, list):
        return counts if all(isinstance(run, int) for run in counts) else []
    runs: list[int] = []
    value = shift = 0
    for character in str(counts):
        bits = ord(character) - ord("0")
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            if bits & 16:
                value -= 1 << shift
            runs.append(value + (runs[-2] if len(runs) > 2 else 0))
            value = shift = 0
    return [] if shift else runs
