"""The metafiles of other packages, in which mmengine looks up each of their configs."""

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

from mmengine.config import utils
from mmengine.fileio import load


@functools.cache
def _read(path: str) -> Any:
    return load(path)


@contextlib.contextmanager
def read_once() -> Iterator[None]:
    """Has mmengine read the metafiles of a package once in the life of this process.

    For each base such as ``mmdet::_base_/default_runtime.py`` mmengine 0.11 parses all
    of the package's metafiles, a hundred of mmdet's, to find that it is none of theirs.
    """
    before, utils.load = utils.load, _read
    try:
        yield
    finally:
        utils.load = before
