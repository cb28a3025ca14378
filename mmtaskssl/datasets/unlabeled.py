import logging
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from mmengine.logging import print_log
from torch.utils.data import Dataset

from mmtaskssl.registry import DATASETS
from mmtaskssl.utils.families import BadConfigValue, ImagesUnreadable, OutOfMemory

from .images import BrokenImage, list_images, read_image
from .memory import available_memory

_GIB = 2**30
_SAMPLE = 256  # images decoded to estimate the size of a cache


class TooManyBrokenImages(ImagesUnreadable):
    """More images are broken than a data set tolerates."""


@DATASETS.register_module()
class UnlabeledImages(Dataset):
    """The images of a folder or list, decoded to 8-bit RGB tensors.

    A sample is ``dict(inputs=uint8 (3, H, W), sample_idx=int)``. Images keep their own
    size; the model's data preprocessor cuts the views from them in one batch. Only
    images larger than ``store_size`` are shrunk.

    A broken image is replaced by the next good one in order, so the same index gives
    the same pixels in every epoch and with any number of workers. Broken images are
    flagged in memory that worker processes share: see `broken_images`.

    Args:
        source: Folder, ``.txt``, ``.csv`` or ``.jsonl`` (see `list_images`).
        root: Folder that listed paths are relative to.
        column: Path column of a table.
        store_size: Longest allowed short side in pixels; None keeps all sizes. Views of
            480 px photos stored at 2 (3) times the view size differ from views of
            the whole photos by 3.3 (2.0) of 255 levels on average.
        max_broken: Share of broken images above which reading stops.
        cache: "ram" decodes every image once, before the first batch, and keeps it;
            worker processes that are forked share the memory, the ranks of a
            distributed run do not. "none" decodes at every access.

    Attributes:
        root (Path): The folder that image ids are relative to.
        image_ids (list[str]): One POSIX path per sample.

    Raises:
        UserError: No images; too many broken ones (while reading); a cache larger than
            the memory at hand.
    """

    def __init__(
        self,
        source: str,
        root: str | None = None,
        column: str | None = None,
        store_size: int | None = 512,
        max_broken: float = 0.01,
        cache: str = "none",
    ) -> None:
        if store_size is not None and store_size < 1:
            raise BadConfigValue(f"store_size must be positive, not {store_size}")
        if not 0 <= max_broken <= 1:
            raise BadConfigValue(f"max_broken must be in 0..1, not {max_broken}")
        if cache not in ("none", "ram"):
            raise BadConfigValue(f"cache is 'none' or 'ram', not {cache!r}")
        self.source = str(source)
        self.root, self.image_ids = self._list(root, column)
        self.store_size = store_size
        self.max_broken = max_broken
        self.cache = cache
        self._forget()

    def _list(self, root: str | None, column: str | None) -> tuple[Path, list[str]]:
        return list_images(self.source, root, column)

    def _forget(self) -> None:
        self._cached: list[np.ndarray | None] | None = None
        # One byte an image, in memory that worker processes share however they start.
        self._flags = torch.zeros(len(self.image_ids), dtype=torch.uint8)
        self._flags.share_memory_()

    @property
    def metainfo(self) -> dict:
        """Facts about the data set, as mmengine's runner asks for them."""
        return {"dataset_type": type(self).__name__, "source": self.source}

    @property
    def broken_images(self) -> list[str]:
        """Ids of the broken images met so far, by any worker."""
        return [self.image_ids[i] for i in self._flags.nonzero().flatten().tolist()]

    def full_init(self) -> None:
        """Fills the cache, if there is one; mmengine calls this before loading."""
        if self.cache == "ram" and self._cached is None:
            self._fill_cache()

    def get_subset_(self, indices: Sequence[int]) -> None:
        """Keeps only the samples ``indices``, in that order, in place."""
        self.image_ids = [self.image_ids[i] for i in indices]
        self._forget()

    def read(
        self, path: str | os.PathLike, short_side: int | None = None
    ) -> np.ndarray:
        """Returns the pixels of one file of the data set, see `read_image`."""
        return read_image(path, short_side)

    def __len__(self) -> int:
        return len(self.image_ids)

    def __getitem__(self, index: int) -> dict:
        index = range(len(self))[index]
        inputs = torch.from_numpy(self._read_good(index)).permute(2, 0, 1)
        return {"inputs": inputs, "sample_idx": index}

    def _read_good(self, index: int) -> np.ndarray:
        """Returns the pixels (H, W, 3) of the first good image from ``index`` on."""
        for step in range(len(self)):
            candidate = (index + step) % len(self)
            pixels = self._read(candidate)
            if pixels is not None:
                return pixels
        raise TooManyBrokenImages(f"every image of {self.source} is broken")

    def _read(self, index: int) -> np.ndarray | None:
        if self._cached is not None:
            return self._cached[index]
        try:
            # Joined as text: pathlib takes a tenth of a small image's decoding time.
            return self.read(f"{self.root}/{self.image_ids[index]}", self.store_size)
        except BrokenImage as error:
            self._flag(index, error)

    def _flag(self, index: int, error: BrokenImage) -> None:
        if self._flags[index]:
            return  # known, and reported
        self._flags[index] = 1
        print_log(f"broken image, replaced: {error}", "current", logging.WARNING)
        broken = self.broken_images
        if len(broken) > self.max_broken * len(self):
            raise TooManyBrokenImages(
                f"{len(broken)} of {len(self)} images of {self.source} are broken, more"
                f" than the share max_broken={self.max_broken:g} allows; the first:"
                f" {', '.join(broken[:5])}"
            )

    def _fill_cache(self) -> None:
        count = len(self)
        some = range(0, count, max(1, count // _SAMPLE))
        threads = min(8, os.cpu_count() or 1)
        with ThreadPoolExecutor(threads) as pool:  # decoders release the lock
            images = [
                image for image in pool.map(self._read, some) if image is not None
            ]
            need = count * sum(image.nbytes for image in images) / max(1, len(images))
            free = available_memory()
            text = f"{need / _GIB:.2f} GiB for {count} decoded images"
            if need > 0.9 * free:
                raise OutOfMemory(
                    f"a RAM cache takes about {text}, but {free / _GIB:.2f} GiB are"
                    " free: lower store_size or set cache='none'"
                )
            print_log(f"RAM cache: about {text} of {self.source}", "current")
            self._cached = list(pool.map(self._read, range(count)))
