"""The hosts' own readers of images, under the rules of ours."""

import contextlib
import functools
import inspect
import io
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import cv2
from mmengine.fileio import LocalBackend
from PIL import Image

from mmtaskssl.utils import members
from mmtaskssl.utils.families import ImagesUnreadable
from mmtaskssl.utils.inputs import UnusableFile, check_regular

from .image_reader import BrokenImage, decode_image
from .pixel_limit import (
    check_pixels,
    pixel_limit,
    size_in_header,
    without_pillows_limit,
)
from .tiff_header import check_bands

# The file that a thread has read last: what is decoded has no name.
_last = threading.local()


@contextlib.contextmanager
def limited_images(pixels: int | None = None) -> Iterator[None]:
    """Lets pipelines of mmdet, mmseg and mmcls read images by the rule of ours.

    They read a file with mmengine's `LocalBackend` and decode it with
    `mmcv.imfrombytes`, which OpenCV bounds at 2**30 pixels. Within, a file must be one,
    an image has at most as many pixels as the limit says, and what is asked for in
    colour has the pixels that `decode_image` gives. Worker processes that are forked
    inherit it.

    Args:
        pixels: A config's ``max_pixels``; None: the limit in force.
    """
    import mmcv

    get, decode = LocalBackend.get, mmcv.imfrombytes
    LocalBackend.get = _checked_get(get)
    # `mmcv.imread` looks it up where it is defined.
    places = (mmcv, mmcv.image, mmcv.image.io)
    for place in places:
        place.imfrombytes = _checked_decode(decode)
    try:
        with pixel_limit(pixels):
            yield
    finally:
        LocalBackend.get = get
        for place in places:
            place.imfrombytes = decode


def _checked_get(get: Callable) -> Callable:
    @functools.wraps(get)
    def checked(self: LocalBackend, filepath: str | os.PathLike) -> bytes:
        try:
            check_regular(filepath)
        except UnusableFile as error:
            raise ImagesUnreadable(f"{filepath} cannot be read: {error}") from error
        _last.name = os.fspath(filepath)
        if (member := members.find(filepath)) is not None:
            return member.read()
        return get(self, filepath)

    return checked


def _checked_decode(decode: Callable) -> Callable:
    taken = inspect.signature(decode)

    @functools.wraps(decode)
    def checked(content: bytes, *args: Any, **options: Any) -> Any:
        given = taken.bind(content, *args, **options)
        given.apply_defaults()
        name = getattr(_last, "name", "an image")
        colour = given.arguments["flag"] == "color"
        try:
            if size := _size(content):
                check_pixels(*size)
            if colour:
                check_bands(content)
        except ValueError as error:
            raise ImagesUnreadable(f"{name} cannot be read: {error}") from error
        if not colour:  # masks, and what else is asked for as it is
            return decode(content, *args, **options)
        try:
            pixels = decode_image(content, name)
        except BrokenImage as error:  # cut short: the host's decoder may take it
            if (found := decode(content, *args, **options)) is None:
                raise ImagesUnreadable(
                    f"{error}: remove it from the data set"
                ) from error
            return found
        bgr = given.arguments["channel_order"] == "bgr"
        return cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR) if bgr else pixels

    return checked


def _size(content: bytes) -> tuple[int, int] | None:
    """Returns what the header says; None leaves it to the decoder to fail."""
    if size := size_in_header(content):
        return size
    try:
        with without_pillows_limit(), Image.open(io.BytesIO(content)) as image:
            return image.size
    except Exception:
        return None
