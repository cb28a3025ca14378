"""What draws the regions of images."""

import abc
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np

from ..utils.cores import num_cores
from .annotations.findings import Finding, refuse
from .annotations.masks import Region
from .regions import say

T = TypeVar("T")

_THREADS = 4
_BATCH = 256

#: A region; (H, W) integers, and which of them its pixels have.
Drawn = tuple[Region, np.ndarray, int]


class MaskSource(abc.ABC):
    """What draws the regions of images; one of its kind, processes can be given it."""

    @abc.abstractmethod
    def regions(self, image: str, size: tuple[int, int]) -> Iterator[Drawn]:
        """Draws the regions of an image.

        Args:
            image: Its id.
            size: Its width and height.

        Raises:
            BrokenImage: Its mask cannot be read.
        """

    @abc.abstractmethod
    def all_regions(
        self, image_ids: Sequence[str]
    ) -> Iterator[tuple[str, Sequence[Region]]]:
        """Yields each image that has a mask, and its regions.

        Raises:
            UserError: The masks mean something else than their form says.
        """

    @abc.abstractmethod
    def files(self) -> tuple[Path, Sequence[str]]:
        """Returns a folder, and the files in it that draw the regions."""

    def name(self, label: int | str) -> str:
        """Returns the name of a region's class."""
        return str(label)


def each(images: Sequence[str], look: Callable[[str], T]) -> Iterator[tuple[str, T]]:
    """Yields images and what a function returns of them, several at once."""
    with ThreadPoolExecutor(min(_THREADS, num_cores())) as pool:
        for begin in range(0, len(images), _BATCH):
            batch = images[begin : begin + _BATCH]
            yield from zip(batch, pool.map(look, batch), strict=True)


def judged(findings: Sequence[Finding]) -> None:
    """Refuses what has an error, and says the rest."""
    refuse(findings, say)
    for finding in findings:
        say(finding)
