"""How many pixels an image may have, judged from its header before it is decoded.

A file of a few kilobytes can decode to gigabytes.
"""

import contextlib
import os
import re
import struct
import threading
from collections.abc import Iterator

from PIL import Image

from mmtaskssl.utils import checks
from mmtaskssl.utils.errors import option
from mmtaskssl.utils.families import BadValue

from .tiff_header import is_tiff, tiff_size

#: Where the limit is kept, for worker processes too.
MAX_PIXELS_VARIABLE = "MMTASKSSL_MAX_PIXELS"
#: More than the 102 million of medium-format cameras. A float TIFF of so many takes
#: 16.6 bytes a pixel, 2 GiB, while it is read.
MAX_PIXELS = 128_000_000

_lock = threading.Lock()
_inside, _before = 0, None


def max_pixels() -> int:
    """Returns the limit in force: ``--max-pixels``, a config's ``max_pixels``, or ours.

    Both are handed to worker processes and steps by an environment variable.
    """
    given = os.environ.get(MAX_PIXELS_VARIABLE) or str(MAX_PIXELS)
    if not (given.isdecimal() and int(given)):
        raise BadValue(
            f"the environment's {MAX_PIXELS_VARIABLE} must be a number of pixels, not "
            f"{given!r}"
        )
    return int(given)


def set_max_pixels(pixels: int) -> None:
    """Sets the limit of this process and those it starts; a flag does.

    Args:
        pixels: At least 1.

    Raises:
        UserError: They are fewer.
    """
    checks.whole("max_pixels", pixels)
    os.environ[MAX_PIXELS_VARIABLE] = str(pixels)


@contextlib.contextmanager
def pixel_limit(pixels: int | None) -> Iterator[None]:
    """Sets the limit of this process and those it starts, if no flag has set it.

    Args:
        pixels: None leaves the limit alone.
    """
    if pixels is None or MAX_PIXELS_VARIABLE in os.environ:
        yield
        return
    set_max_pixels(pixels)
    try:
        yield
    finally:
        del os.environ[MAX_PIXELS_VARIABLE]


def check_pixels(width: int, height: int) -> None:
    """Refuses an image that is larger than the limit.

    Raises:
        ValueError: Says both numbers, and how to read the image.
    """
    pixels, limit = width * height, max_pixels()
    if pixels > limit:
        raise ValueError(
            f"it has {pixels:,} pixels ({width:,} x {height:,}), more than the limit "
            f"of {limit:,}: read it with {option('max_pixels')} {pixels} "
            f"(max_pixels={pixels} in a config)"
        )


@contextlib.contextmanager
def without_pillows_limit() -> Iterator[None]:
    """Keeps Pillow from a judgement of its own, in all threads."""
    global _inside, _before
    with _lock:
        if _inside == 0:
            _before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                Image.MAX_IMAGE_PIXELS = _before


def jpeg_frame(data: bytes) -> tuple[int, int, int] | None:
    """Returns height, width and channels from a JPEG's frame header."""
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height = data[at + 5] << 8 | data[at + 6]
            width = data[at + 7] << 8 | data[at + 8]
            return height, width, data[at + 9]
        at += 2 + (data[at + 2] << 8 | data[at + 3])
    return None


def size_in_header(data: bytes) -> tuple[int, int] | None:
    """Returns width and height of a file that Pillow does not know, but OpenCV may.

    Args:
        data: A TIFF (of 16-bit colours), Radiance, OpenEXR, Sun raster, JPEG or PNG.
    """
    try:
        if is_tiff(data):
            return tiff_size(data)
        if data[:2] == b"#?":
            found = re.search(rb"\n[-+]Y (\d+) [-+]X (\d+)\s", data[:65536])
            return (int(found[2]), int(found[1])) if found else None
        if data[:4] == b"\x76\x2f\x31\x01":
            at = data.index(b"dataWindow\0box2i\0") + 21
            left, top, right, bottom = struct.unpack_from("<4i", data, at)
            return right - left + 1, bottom - top + 1
        if data[:4] == b"\x59\xa6\x6a\x95":
            return struct.unpack_from(">2I", data, 4)
        if data[:8] == b"\x89PNG\r\n\x1a\n":
            return struct.unpack_from(">2I", data, 16)
        if data[:2] == b"\xff\xd8" and (frame := jpeg_frame(data)):
            return frame[1], frame[0]
    except (struct.error, ValueError, IndexError):
        pass
    return None
