"""The hosts' own readers of images, under the rules of ours."""

import contextlib
import functools
import io
import os
from collections.abc import Callable, Iterator
from typing import Any

from mmengine.fileio import LocalBackend
from PIL import Image

from mmtaskssl.utils import members
from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.inputs import UnusableFile, check_regular

from .pixel_limit import (
    check_pixels,
    pixel_limit,
    size_in_header,
    without_pillows_limit,
)


@contextlib.contextmanager
def limited_images(pixels: int | None = None) -> Iterator[None]:
    """Keeps pipelines of mmdet, mmseg and mmcls from pipes, devices and huge images.

    They read a file with mmengine's `LocalBackend` and decode it with
    `mmcv.imfrombytes`, which OpenCV bounds at 2**30 pixels. Within, a file must be one,
    and an image has at most as many pixels as the limit says. Worker processes that are
    forked inherit it.

    Args:
        pixels: A config's ``max_pixels``; None: the limit in force.
    """
    import mmcv

    get, decode = LocalBackend.get, mmcv.imfrombytes
    LocalBackend.get = _checked_get(get)
    mmcv.imfrombytes = _checked_decode(decode)
    try:
        with pixel_limit(pixels):
            yield
    finally:
        LocalBackend.get, mmcv.imfrombytes = get, decode


def _checked_get(get: Callable) -> Callable:
    @functools.wraps(get)
    def checked(self: LocalBackend, filepath: str | os.PathLike) -> bytes:
        try:
            check_regular(filepath)
        except UnusableFile as error:
            raise UserError(f"{filepath} cannot be read: {error}") from error
        if (member := members.find(filepath)) is not None:
            return member.read()
        return get(self, filepath)

    return checked


def _checked_decode(decode: Callable) -> Callable:
    @functools.wraps(decode)
    def checked(content: bytes, *args: Any, **options: Any) -> Any:
        size = _size(content)
        if size is not None:
            try:
                check_pixels(*size)
            except ValueError as error:
                raise UserError(f"an image cannot be read: {error}") from error
        return decode(content, *args, **options)

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
