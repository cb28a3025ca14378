"""Whether two images show the same pixels, mirrored, cropped or re-encoded perhaps.

Features say that two images look alike; for a burst of photographs of one scene they
say it as loudly as for two copies. The fine structure of the picture tells these apart:
here two grey images are laid over each other, and what is left after subtracting a
blurred version of each (light, layout) is correlated.
"""

import dataclasses
from collections.abc import Sequence

import cv2
import numpy as np

from .windows import WINDOWS, mirrored

#: Short side at which images are compared, pixels; found first at the coarse one.
SIDE = 96
_COARSE = 64
# Structure wider than this is light and layout, which different images share.
_BLUR = 8.0
_LEAST_SIDE = 0.7
# Correlations that finer steps do not bring near 1.
_HOPELESS = 0.7
_EXACT = 0.98
_MARGIN = 5
_STEPS = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 20, 1e-4)
# Images of a product of thumbnails taken at once.
_CHUNK = 64


@dataclasses.dataclass(frozen=True)
class Match:
    """How an image lies on another.

    Attributes:
        agreement: Correlation of their detail, -1..1; copies are near 1.
        flipped: Whether one is the mirror image.
        side: Side of the one that is (a crop of) the other, as a share of the other's.
        swapped: Whether it is the second that lies in the first.
    """

    agreement: float
    flipped: bool = False
    side: float = 1.0
    swapped: bool = False

    @property
    def transform(self) -> str:
        """A guess at what was done, in words."""
        parts = ["mirrored"] * self.flipped
        if self.side < 0.98:
            parts.append(f"cropped to {self.side:.0%}")
        return ", ".join(parts) or "re-encoded, resized or recoloured"


def detail_of(image: np.ndarray) -> np.ndarray:
    """Returns the detail of an image.

    Args:
        image: (H, W, 3) uint8 RGB.

    Returns:
        (h, w) float32 of short side `SIDE`: grey, less its own blurred version.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    height, width = grey.shape
    scale = SIDE / min(height, width)
    # A longer side than eight times the short one tells nothing more.
    size = [min(max(SIDE, round(n * scale)), 8 * SIDE) for n in (width, height)]
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    grey = cv2.resize(grey, size, interpolation=how)
    return grey - cv2.GaussianBlur(grey, (0, 0), _BLUR)


@dataclasses.dataclass(frozen=True, order=True)
class Pair:
    """Two images of which one may be a copy of the other.

    Attributes:
        first: Index in the first set.
        score: Correlation of thumbnails, negated, so that likely pairs come first.
        second: Index in the second set.
        flipped: Whether one is mirrored.
        swapped: Whether the second lies in the first, not the first in the second.
    """

    first: int
    score: float
    second: int
    flipped: bool
    swapped: bool


def likely_pairs(
    first: np.ndarray, second: np.ndarray, count: int, floor: float
) -> list[Pair]:
    """Finds, for each image of one set, those of another it may be a copy of.

    Args:
        first: (N, windows, 256) thumbnails.
        second: (M, windows, 256).
        count: Most pairs of each image of the first set.
        floor: Least correlation of thumbnails.

    Returns:
        Pairs in order.
    """
    m = len(second)
    windows = second.reshape(m * WINDOWS, -1)
    whole = np.ascontiguousarray(second[:, 0])
    found = []
    for begin in range(0, len(first), _CHUNK):
        part = first[begin : begin + _CHUNK]
        scores = []
        # Mirroring the few mirrors the many.
        for some in (part, mirrored(part)):
            inside = some[:, 0] @ windows.T
            scores.append(inside.reshape(len(some), m, WINDOWS).max(2))
            around = some.reshape(len(some) * WINDOWS, -1) @ whole.T
            scores.append(around.reshape(len(some), WINDOWS, m).max(1))
        flat = np.concatenate(scores, axis=1)  # (n, 4 M)
        take = min(count, flat.shape[1])
        order = np.argpartition(-flat, take - 1, axis=1)[:, :take]
        value = np.take_along_axis(flat, order, 1)
        for row, place in zip(*np.nonzero(value >= floor), strict=True):
            way, index = divmod(int(order[row, place]), m)
            score = -float(value[row, place])
            found.append(Pair(begin + int(row), score, index, way > 1, way % 2 == 1))
    return sorted(found)


def compare(
    first: np.ndarray, second: np.ndarray, flipped: bool = False, swapped: bool = False
) -> Match:
    """Lays two images over each other.

    Args:
        first: Detail (h, w) of `detail_of`.
        second: The same of the other.
        flipped: Whether the first is to be mirrored.
        swapped: Whether the second is laid in the first, instead of the reverse.
    """
    left = np.ascontiguousarray(first[:, ::-1]) if flipped else first
    part, whole = (second, left) if swapped else (left, second)
    agreement, side = _lay(part, whole)
    return Match(agreement, flipped, side, swapped)


def _lay(part: np.ndarray, whole: np.ndarray) -> tuple[float, float]:
    """Returns the best correlation of an image as a window of another, and its side."""
    small = [_scaled(detail, _COARSE / SIDE) for detail in (part, whole)]
    score, side, (left, top) = _search(*small, np.arange(1, _LEAST_SIDE, -0.02))
    if score < _HOPELESS:
        return score, side
    # The place to look around in, at the full side.
    h, w = _size(part, whole, min(1.0, side + 0.03))
    ratio = SIDE / _COARSE
    top, left = (max(0, round(ratio * n) - _MARGIN) for n in (top, left))
    around = whole[top : top + h + 2 * _MARGIN, left : left + w + 2 * _MARGIN]
    sides = [side + 0.01 * step for step in range(-3, 4) if side + 0.01 * step <= 1]
    # Sides are shares of the whole image, of which ``around`` is a piece.
    fine, side, place = _search(part, around, sides, whole.shape)
    if not _HOPELESS <= fine < _EXACT:
        return fine, side
    refined = _refine(part, around, place, _size(part, whole, side))
    return max(fine, refined), side


def _scaled(detail: np.ndarray, scale: float) -> np.ndarray:
    size = [max(1, round(scale * n)) for n in detail.shape[::-1]]
    return cv2.resize(detail, size, interpolation=cv2.INTER_AREA)


def _size(
    part: np.ndarray, whole: np.ndarray | tuple[int, int], side: float
) -> tuple[int, int]:
    """Returns height and width of an image that spans a share of another."""
    shape = whole if isinstance(whole, tuple) else whole.shape
    fit = min(shape[0] / part.shape[0], shape[1] / part.shape[1])
    return tuple(max(8, round(n * fit * side)) for n in part.shape)


def _search(
    part: np.ndarray,
    whole: np.ndarray,
    sides: Sequence[float],
    shape: tuple[int, int] | None = None,
) -> tuple[float, float, tuple[int, int]]:
    """Returns the best correlation over sides and places, its side, and left and top.

    Args:
        part: (h, w).
        whole: (H, W), where to look.
        sides: Shares of ``shape`` that the part may span.
        shape: Default: that of ``whole``.
    """
    best = (-1.0, 1.0, (0, 0))
    for side in sides:
        h, w = _size(part, shape or whole.shape, side)
        h, w = min(h, whole.shape[0]), min(w, whole.shape[1])
        small = cv2.resize(part, (w, h), interpolation=cv2.INTER_AREA)
        scores = cv2.matchTemplate(whole, small, cv2.TM_CCOEFF_NORMED)
        _, score, _, place = cv2.minMaxLoc(scores)
        # What has no structure has no correlation: OpenCV then says 1 or infinity.
        if (
            cv2.meanStdDev(small)[1].item() > 1e-3
            and np.isfinite(score)
            and score > best[0]
        ):
            best = (min(score, 1.0), float(side), place)
    return best


def _refine(
    part: np.ndarray, whole: np.ndarray, place: tuple[int, int], size: tuple[int, int]
) -> float:
    """Returns the correlation after moving and stretching by parts of a pixel."""
    (left, top), (h, w) = place, size
    start = [[w / part.shape[1], 0, left], [0, h / part.shape[0], top]]
    try:
        _, warp = cv2.findTransformECC(
            *(part, whole, np.array(start, np.float32), cv2.MOTION_AFFINE, _STEPS),
            *(None, 3),
        )
    except cv2.error:  # it does not converge
        return -1.0
    size, how = part.shape[::-1], cv2.WARP_INVERSE_MAP
    laid = cv2.warpAffine(whole, warp, size, flags=cv2.INTER_LINEAR | how)
    seen = cv2.warpAffine(
        np.ones_like(whole), warp, size, flags=cv2.INTER_NEAREST | how
    )
    mask = seen > 0
    if mask.mean() < 0.8:
        return -1.0
    a, b = part[mask] - part[mask].mean(), laid[mask] - laid[mask].mean()
    length = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / length if length > 0 else -1.0
