"""From samples of more than 8 bits to 8."""

import cv2
import numpy as np
from PIL import Image

# Of cameras and scanners, which write such samples into files of 16 bits.
_DEPTHS = (8, 10, 12, 14, 16)
_COLOURS = 3


def depth_of(values: np.ndarray) -> int:
    """Returns the bits of an image's samples, by the largest.

    A file of 16 bits does not say that its samples are of 10, 12 or 14, of which the
    high byte would be a few levels of grey. An image of 16 that uses but a quarter of
    their range is taken for one of 14.

    Args:
        values: Whole numbers from 0 to 65535, of any shape.
    """
    high = int(values.max(initial=0))
    return next(depth for depth in _DEPTHS if high < 1 << depth)


def to_8_bits(values: np.ndarray, depth: int | None = None) -> np.ndarray:
    """Returns the highest 8 bits of samples, uint8.

    Args:
        values: See `depth_of`.
        depth: Of them; None: what `depth_of` says.
    """
    depth = depth_of(values) if depth is None else depth
    return (values >> (depth - 8)).astype(np.uint8)


def without_loss(image: Image.Image, data: bytes) -> Image.Image:
    """Returns an image of colours, of whose 16 bits Pillow would keep the high byte.

    Args:
        image: As Pillow opened it, not yet decoded.
        data: The file.

    Returns:
        ``image`` itself where that loses nothing; else one of 8 bits.
    """
    tiles = getattr(image, "tile", ())  # none of what OpenCV decoded
    deep = any(";16" in str(part) for tile in tiles for part in tile)
    if image.mode not in ("RGB", "RGBA", "LA") or not deep:
        return image
    values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None or values.dtype != np.uint16 or values.ndim != 3:
        return image
    colours, alpha = values[..., _COLOURS - 1 :: -1], values[..., _COLOURS:]
    depth = depth_of(colours)
    if depth == _DEPTHS[-1]:
        return image
    parts = [to_8_bits(colours, depth), to_8_bits(alpha)]
    found = Image.fromarray(np.ascontiguousarray(np.concatenate(parts, axis=-1)))
    found.info = {"exif": image.info["exif"]} if "exif" in image.info else {}
    return found


def decode(data: bytes) -> np.ndarray | None:
    """Decodes with OpenCV: (H, W, 3) uint8 in BGR; None: it does not know the format.

    Args:
        data: A file.
    """
    content = np.frombuffer(data, np.uint8)
    values = cv2.imdecode(content, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    if values is None or values.dtype == np.uint8:
        return values
    if values.dtype == np.uint16 and (depth := depth_of(values)) < _DEPTHS[-1]:
        return to_8_bits(values, depth)
    return cv2.imdecode(content, cv2.IMREAD_COLOR)
