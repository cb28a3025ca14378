"""One reader for every kind of image file."""

import contextlib
import functools
import io
import os
from collections.abc import Iterator

import cv2
import numpy as np
import torch
from PIL import Image
from torch.nn import functional

from mmtaskssl.utils import members
from mmtaskssl.utils.families import Unreachable
from mmtaskssl.utils.inputs import check_regular, open_input
from mmtaskssl.utils.remote.addresses import shown

from .bit_depth import decode, without_loss
from .colours import to_rgb
from .pixel_limit import (
    check_pixels,
    jpeg_frame,
    max_pixels,
    size_in_header,
    without_pillows_limit,
)
from .tiff_header import check_bands

# Pillow also opens PostScript, for which it runs another program, and much else.
# fmt: off
_FORMATS = (
    "JPEG", "MPO", "PNG", "BMP", "DIB", "GIF", "TIFF", "WEBP", "PPM", "JPEG2000",
    "TGA", "AVIF", "SUN",
)
# fmt: on
# Bytes from which a file's header is looked at before the file is read.
_LARGE = 64 << 20
_BYTES_PER_PIXEL = 16  # four channels of 32 bits
# libjpeg's scales, by how many times too large an image is at least.
_SCALES = (
    (8, cv2.IMREAD_REDUCED_COLOR_8),
    (4, cv2.IMREAD_REDUCED_COLOR_4),
    (2, cv2.IMREAD_REDUCED_COLOR_2),
    (0, cv2.IMREAD_COLOR),
)
_ORIENTATION, _ON_ITS_SIDE = 0x0112, (5, 6, 7, 8)  # EXIF


class BrokenImage(Exception):
    """An image file that cannot be turned into pixels; the message says why."""


def read_image(
    path: str | os.PathLike, short_side: int | None = None, least: int = 2
) -> np.ndarray:
    """Reads an image file as 8-bit RGB, upright, see `decode_image`.

    Args:
        path: The file.
        short_side: If given, an image whose short side is longer is shrunk to it
            (antialiased, aspect kept); a smaller one stays as it is.
        least: Large JPEGs are decoded to a half, a quarter or an eighth, at less work,
            but not to less than so many times the short side.

    Returns:
        Array (H, W, 3), uint8.

    Raises:
        BrokenImage: The file is missing, truncated or no image, has bands that are no
            colours, or more pixels than the limit, see `pixel_limit`.
        UserError: It lies elsewhere, and cannot be fetched.
    """
    try:
        data = _read(path)
    except Unreachable:  # which says nothing of the image
        raise
    except Exception as error:  # as of `decode_image`
        raise _broken(path, error) from error
    return decode_image(data, path, short_side, least)


def read_reduced(path: str | os.PathLike, short_side: int | None = None) -> np.ndarray:
    """Reads an image file like `read_image`, JPEGs at the smallest scale that will do.

    At less work, and not quite to the same pixels.

    Args:
        path: See `read_image`.
        short_side: See `read_image`.

    Raises:
        BrokenImage: See `read_image`.
    """
    return read_image(path, short_side, least=1)


def decode_image(
    data: bytes,
    name: str | os.PathLike,
    short_side: int | None = None,
    least: int = 2,
) -> np.ndarray:
    """Decodes an image of any format as 8-bit RGB, upright: the one rule for all doors.

    EXIF rotation is applied; grey and palette images become three equal channels or
    RGB; transparent pixels are laid over white, and a fourth band that is said to be
    something else is left out; CMYK is converted; other bands are refused, see
    `check_bands`. Of 16-bit samples the high byte is kept, or of fewer bits in such a
    file the highest 8 of these (see `bit_depth`), and 32-bit or float samples are
    stretched from their own minimum..maximum. The first frame of an animation is taken.
    Files that Pillow does not know go to OpenCV.

    Args:
        data: The file's content.
        name: Of the file, for the message.
        short_side: See `read_image`.
        least: See `read_image`.

    Returns:
        Array (H, W, 3), uint8.

    Raises:
        BrokenImage: See `read_image`.
    """
    side = None if short_side is None else least * short_side
    try:
        check_bands(data)
        if (pixels := _decode_plain_jpeg(data, side)) is not None:
            return shrink(pixels, short_side)
        with without_pillows_limit():
            try:
                image = Image.open(io.BytesIO(data), formats=_formats())
            except Image.UnidentifiedImageError:
                image = _decode_with_opencv(data)
            check_pixels(*image.size)
            image = without_loss(image, data)
            return shrink(np.array(to_rgb(image, side)), short_side)
    except Exception as error:  # Pillow's plugins raise anything on damaged files
        raise _broken(name, error) from error


def _broken(name: str | os.PathLike, error: Exception) -> BrokenImage:
    return BrokenImage(f"{shown(name)}: {str(error) or type(error).__name__}")


def _read(path: str | os.PathLike) -> bytes:
    """Returns a file's content; of a large one only if its header is an image's."""
    member = members.find(path)
    if isinstance(member, members.Elsewhere):  # in one request
        content = member.read(_LARGE + 1)
        if len(content) <= _LARGE:
            return content
    size = check_regular(path) if member is None else member.size
    if size > _LARGE:
        with (
            open_input(path) as file,
            without_pillows_limit(),
            Image.open(file, formats=_formats()) as image,
        ):
            check_pixels(*image.size)
        most = _LARGE + _BYTES_PER_PIXEL * max_pixels()
        if size > most:
            raise ValueError(f"it has {size:,} bytes, more than the limit of {most:,}")
    if member is not None:
        return member.read()
    with open(path, "rb") as file:
        return file.read()


@functools.cache
def _formats() -> tuple[str, ...]:
    Image.init()  # loads the plugins; not every Pillow has all
    return tuple(name for name in _FORMATS if name in Image.OPEN)


@contextlib.contextmanager
def open_picture(path: str | os.PathLike) -> Iterator[Image.Image]:
    """Opens an image of any mode, not yet decoded.

    Args:
        path: The file.

    Yields:
        Pillow's image; closed at the end.

    Raises:
        BrokenImage: See `read_image`.
    """
    try:
        data = _read(path)
        with without_pillows_limit():
            image = Image.open(io.BytesIO(data), formats=_formats())
            check_pixels(*image.size)
            image.load()
    except Unreachable:
        raise
    except Exception as error:
        raise _broken(path, error) from error
    with image:
        yield image


def upright_size(path: str | os.PathLike) -> tuple[int, int]:
    """Returns width and height of an image by its header, EXIF rotation applied.

    Raises:
        BrokenImage: The file is missing or no image.
    """
    try:
        with (
            open_input(path) as file,
            without_pillows_limit(),
            Image.open(file, formats=_formats()) as image,
        ):
            width, height = image.size
            turned = image.getexif().get(_ORIENTATION) in _ON_ITS_SIDE
    except Unreachable:
        raise
    except Exception as error:
        raise _broken(path, error) from error
    return (height, width) if turned else (width, height)


def _decode_plain_jpeg(data: bytes, side: int | None) -> np.ndarray | None:
    """Decodes a whole grey or colour JPEG to at least a side; None: it is no such.

    OpenCV gives the very pixels Pillow gives, at any scale and with EXIF rotation, in
    half the time; but it also decodes files cut short, and inverts CMYK ones.
    """
    if data[:2] != b"\xff\xd8" or data[-2:] != b"\xff\xd9":
        return None
    frame = jpeg_frame(data)
    if frame is None or frame[2] not in (1, 3):
        return None
    check_pixels(frame[1], frame[0])
    scale = 1 if side is None else min(frame[:2]) // side
    flag = next(flag for most, flag in _SCALES if scale >= most)
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    return None if pixels is None else cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def _decode_with_opencv(data: bytes) -> Image.Image:
    size = size_in_header(data)
    if size is not None:
        check_pixels(*size)
        pixels = decode(data)
    if size is None or pixels is None:
        raise ValueError("no image format that Pillow or OpenCV reads")
    return Image.fromarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))


def shrink(pixels: np.ndarray, short_side: int | None) -> np.ndarray:
    """Shrinks an image (H, W, 3) to a short side, if it is larger; antialiased."""
    height, width = pixels.shape[:2]
    if short_side is None or min(height, width) <= short_side:
        return pixels
    scale = short_side / min(height, width)
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    image = torch.from_numpy(pixels).permute(2, 0, 1).unsqueeze(0)
    image = functional.interpolate(image, size, mode="bilinear", antialias=True)
    return image[0].permute(1, 2, 0).contiguous().numpy()
