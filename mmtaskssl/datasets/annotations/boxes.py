"""Do boxes mean what their form says?"""

from collections.abc import Sequence

from .findings import MOST, Finding, Tally

# Pixels that a box may stand out by the rounding of a tool.
_ROUNDING = 1.0
# Boxes that stand out as widths and heights, but all fit as corners: with fewer of
# them, or a smaller share, it may be chance.
_LEAST_CORNERS, _CORNERS = 3, 0.1
# No box that somebody drew lies wholly outside; so many are of another scale.
_OUTSIDE = 0.25


class BoxJudge:
    """Takes the boxes of a file or part, and says what is wrong with them.

    Args:
        harmful: Whether a single box without width or height spoils the training, as
            its offsets are infinite.
        fate: What becomes of boxes that are none, in words.
    """

    def __init__(
        self,
        harmful: bool = False,
        fate: str = "they are left out",
    ) -> None:
        self._harmful, self._fate = harmful, fate
        self._total = self._crowd = self._fits = 0
        self._inverted, self._empty, self._unit = Tally(), Tally(), Tally()
        self._outside, self._cut = Tally(), Tally()

    def add(
        self,
        place: str,
        box: Sequence[float],
        size: tuple[int, int] | None,
        crowd: bool = False,
    ) -> tuple[float, float, float, float] | None:
        """Takes a box.

        Args:
            place: Where it stands, for the messages.
            box: Left, top, width and height in pixels, from 0.
            size: Width and height of the image; None: unknown.
            crowd: Whether it counts neither as found nor as missed.

        Returns:
            What of it lies within the image; None: nothing does.
        """
        x, y, width, height = box
        self._total += 1
        self._crowd += crowd
        if min(width, height) <= 0:
            (self._inverted if min(width, height) < 0 else self._empty).add(place)
            return None
        if min(x, y) >= 0 and max(x + width, y + height) <= 1 and size != (1, 1):
            self._unit.add(place)
        if size is None:
            return x, y, width, height
        self._fits += x < width <= size[0] + 1 and y < height <= size[1] + 1
        left, top = max(x, 0.0), max(y, 0.0)
        right, bottom = min(x + width, size[0]), min(y + height, size[1])
        if min(right - left, bottom - top) <= 0:
            self._outside.add(place)
            return None
        if max(width - (right - left), height - (bottom - top)) > _ROUNDING:
            self._cut.add(place)
        return left, top, right - left, bottom - top

    def findings(self, where: str) -> list[Finding]:
        """Says what was found.

        Args:
            where: Of what the boxes are, such as a file's name.
        """
        if not self._total:
            return []
        boxes = f"boxes of {where}"
        if self._are_corners():
            text = (
                f"{self._standing_out().of(self._total, boxes)} stand out of their "
                "images as x, y, width, height, and none does as the corners x1, y1, "
                "x2, y2: write width and height in place of the far corner"
            )
            return [Finding("error", text)]
        found = []
        if self._crowd == self._total:
            text = (
                f"all {self._total:,} {boxes} are crowds or difficult, which count "
                "neither as found nor as missed: mark those that are to count as 0"
            )
            found.append(Finding("error", text))
        for tally, least, harmful, words in (
            (
                *(self._unit, MOST, False),
                "lie within 0 and 1: they are shares of the image's sides, and have to "
                "be written in pixels",
            ),
            (
                *(self._inverted, MOST, self._harmful),
                "have their far corner before the near one (a width or height below "
                "0): exchange xmin and xmax, or ymin and ymax",
            ),
            (
                *(self._empty, MOST, self._harmful),
                "are empty (their width or height is 0): correct or remove them",
            ),
            (
                *(self._outside, _OUTSIDE, False),
                "lie outside of their image: were they drawn in images of another "
                "size?",
            ),
        ):
            if tally.count > least * self._total or (tally.count and harmful):
                text = f"{tally.of(self._total, boxes)} {words}"
                found.append(Finding("error", text))
            elif tally.count:
                words = words.partition(":")[0]
                text = f"{tally.of(self._total, boxes)} {words}: {self._fate}"
                found.append(Finding("warning", text))
        if self._cut.count:
            text = f"{self._cut.of(self._total, boxes)} stand out of their image"
            found.append(Finding("warning", text))
        return found

    def _standing_out(self) -> Tally:
        """Returns the boxes that are partly or wholly outside."""
        count = self._cut.count + self._outside.count
        return Tally(count, (self._cut.examples + self._outside.examples)[:2])

    def _are_corners(self) -> bool:
        """Whether what is read as width and height is the far corner."""
        out = self._cut.count + self._outside.count
        return (
            self._fits == self._total >= _LEAST_CORNERS and out > _CORNERS * self._total
        )
