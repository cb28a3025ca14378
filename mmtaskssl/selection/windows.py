"""Small versions of the windows of an image, by which likely copies are found."""

import functools

import cv2
import numpy as np

_THUMB = 16
#: Values of a thumbnail.
LENGTH = _THUMB**2
# Windows of an image that another one may be a crop of: side, and places along it.
_WINDOWS = ((1.0, 1), (0.92, 2), (0.85, 3), (0.78, 4))


@functools.lru_cache(256)
def _edges(length: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns where the pieces of all windows along a side begin and end.

    Windows of one size are neighbours, in the order of `_WINDOWS`, 17 edges each.

    Returns:
        (170,) whole pixels, below the length, and (170, 1) the rest, 0..1.
    """
    places = []
    for side, count in _WINDOWS:
        size = round(side * length)
        for begin in np.linspace(0, length - size, count).round().tolist():
            places.append(begin + size / _THUMB * np.arange(_THUMB + 1))
    place = np.concatenate(places)
    whole = np.minimum(place.astype(np.int64), length - 1)
    return whole, (place - whole)[:, None].astype(np.float32)


def _sums_of_pieces(sums: np.ndarray) -> np.ndarray:
    """Returns (160, M), the sums within the pieces of all windows along N pixels.

    Args:
        sums: (N + 1, M) running sums; between pixels they are linear.
    """
    whole, rest = _edges(len(sums) - 1)
    found = sums[whole]
    found += rest * (sums[whole + 1] - found)
    found = found.reshape(-1, _THUMB + 1, sums.shape[1])
    return (found[:, 1:] - found[:, :-1]).reshape(-1, sums.shape[1])


WINDOWS = sum(count * count for _, count in _WINDOWS)


def thumbnails(detail: np.ndarray) -> np.ndarray:
    """Returns small versions of an image's windows, each of length 1.

    Args:
        detail: Of `detail_of`.

    Returns:
        (windows, 256) float32, the whole image first; zeros where nothing is seen.
    """
    # All windows at once from the integral of the image: a resize each takes four
    # times as long; products of matrices would wake BLAS's threads in each of ours.
    sums = _sums_of_pieces(cv2.integral(detail).astype(np.float32)).T
    sums = _sums_of_pieces(np.ascontiguousarray(sums))
    pieces = sums.reshape(len(sums) // _THUMB, _THUMB, -1, _THUMB)  # x before y
    parts, begin = [], 0
    for side, count in _WINDOWS:
        own = slice(begin, begin + count)
        area = np.prod([round(side * length) / _THUMB for length in detail.shape])
        part = pieces[own, :, own].transpose(2, 0, 3, 1).reshape(-1, LENGTH)
        parts.append(part / np.float32(area))
        begin += count
    rows = np.concatenate(parts)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, length, out=np.zeros_like(rows), where=length > 1.0)


def mirrored(thumbs: np.ndarray) -> np.ndarray:
    """Returns the thumbnails (..., 256) of the mirrored windows."""
    square = thumbs.reshape(*thumbs.shape[:-1], _THUMB, _THUMB)
    return square[..., ::-1].reshape(thumbs.shape)
