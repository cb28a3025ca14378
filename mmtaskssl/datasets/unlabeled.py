import logging
import math
from collections.abc import Sequence

import numpy as np
import torch
from mmengine.logging import print_log
from torch.utils.data import Dataset

from mmtaskssl.registry import DATASETS
from mmtaskssl.utils.errors import UserError

from .images import BrokenImage, list_images, read_image


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
        store_size: Longest allowed short side in pixels; None keeps all sizes.
            Twice the view size loses nothing that a crop of a fifth of the area
            could show.
        max_broken: Share of broken images above which reading stops.

    Attributes:
        root (Path): The folder that image ids are relative to.
        image_ids (list[str]): One POSIX path per sample.

    Raises:
        UserError: No images, or (while reading) too many broken ones.
    """

    def __init__(
        self,
        source: str,
        root: str | None = None,
        column: str | None = None,
        store_size: int | None = 512,
        max_broken: float = 0.01,
    ) -> None:
        if store_size is not None and store_size < 1:
            raise UserError(f"store_size must be positive, not {store_size}")
        if not 0 <= max_broken <= 1:
            raise UserError(f"max_broken must be in 0..1, not {max_broken}")
        self.source = str(source)
        self.root, self.image_ids = list_images(source, root, column)
        self.store_size = store_size
        self.max_broken = max_broken
        self._reset_flags()

    def _reset_flags(self) -> None:
        flags = torch.zeros(len(self.image_ids), dtype=torch.uint8)
        self._broken = flags.share_memory_()

    @property
    def metainfo(self) -> dict:
        """Facts about the data set, as mmengine's runner asks for them."""
        return {"dataset_type": type(self).__name__, "source": self.source}

    @property
    def broken_images(self) -> list[str]:
        """Ids of the broken images met so far, by any worker."""
        return [self.image_ids[i] for i in self._broken.nonzero().flatten().tolist()]

    def full_init(self) -> None:
        """Part of mmengine's data set protocol; called once before loading."""

    def get_subset_(self, indices: Sequence[int]) -> None:
        """Keeps only the samples ``indices``, in that order, in place."""
        self.image_ids = [self.image_ids[i] for i in indices]
        self._reset_flags()

    def __len__(self) -> int:
        return len(self.image_ids)

    def __getitem__(self, index: int) -> dict:
        index = range(len(self))[index]
        pixels, _ = self._read_good(index)
        return {
            "inputs": torch.from_numpy(pixels).permute(2, 0, 1),
            "sample_idx": index,
        }

    def _read_good(self, index: int) -> tuple[np.ndarray, int]:
        """Returns the pixels (H, W, 3) of the first good image from ``index`` on."""
        for step in range(len(self)):
            candidate = (index + step) % len(self)
            if self._broken[candidate]:
                continue
            try:
                return self._decode(candidate), candidate
            except BrokenImage as error:
                self._flag(candidate, error)
        raise UserError(f"every image of {self.source} is broken")

    def _decode(self, index: int) -> np.ndarray:
        pixels = read_image(self.root / self.image_ids[index], self.store_size)
        return pixels if pixels.flags.writeable else pixels.copy()

    def _flag(self, index: int, error: BrokenImage) -> None:
        self._broken[index] = 1
        print_log(f"broken image, replaced: {error}", "current", logging.WARNING)
        broken = self.broken_images
        if len(broken) > math.floor(self.max_broken * len(self)):
            raise UserError(
                f"{len(broken)} of {len(self)} images of {self.source} are broken, more"
                f" than the share max_broken={self.max_broken:g} allows; the first:"
                f" {', '.join(broken[:5])}"
            )
