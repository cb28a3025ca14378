from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset

from mmtaskssl.registry import DATASETS


@DATASETS.register_module()
class SyntheticImages(Dataset):
    """Images made in memory: coloured gratings, one orientation and hue per class.

    For tests and debug configs; nothing is read from disk. Image ``i`` depends on
    ``seed`` and ``i`` alone and has label ``i % num_classes``.

    Args:
        num_images: Number of images.
        num_classes: Number of classes.
        size: Side in pixels.
        seed: Of the generator.

    Attributes:
        image_ids (list[str]): Made-up names ``synthetic/000000``.
        labels (list[int]): One label per sample.
        class_names (list[str]): One name per label.
    """

    def __init__(
        self, num_images: int = 64, num_classes: int = 4, size: int = 40, seed: int = 0
    ) -> None:
        self.root = Path(".")
        self.num_classes = num_classes
        self.size = size
        self.seed = seed
        self.class_names = [f"class_{label}" for label in range(num_classes)]
        self._numbers = list(range(num_images))

    @property
    def image_ids(self) -> list[str]:
        """One name per sample."""
        return [f"synthetic/{number:06d}" for number in self._numbers]

    @property
    def labels(self) -> list[int]:
        """One label per sample."""
        return [number % self.num_classes for number in self._numbers]

    @property
    def metainfo(self) -> dict:
        """Facts about the data set, as mmengine's runner asks for them."""
        return {"dataset_type": type(self).__name__, "classes": tuple(self.class_names)}

    def full_init(self) -> None:
        """Part of mmengine's data set protocol; nothing to prepare."""

    def get_subset_(self, indices: Sequence[int]) -> None:
        """Keeps only the samples ``indices``, in that order, in place."""
        self._numbers = [self._numbers[i] for i in indices]

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, index: int) -> dict:
        index = range(len(self))[index]
        number = self._numbers[index]
        label = number % self.num_classes
        return {
            "inputs": torch.from_numpy(self._draw(number, label)).permute(2, 0, 1),
            "sample_idx": index,
            "label": label,
        }

    def _draw(self, number: int, label: int) -> np.ndarray:
        rng = np.random.default_rng([self.seed, number])
        share = label / self.num_classes
        angle = np.pi * share + rng.normal(0, 0.05)
        axis = np.arange(self.size) / self.size
        along = axis[None, :] * np.cos(angle) + axis[:, None] * np.sin(angle)
        wave = 0.5 + 0.5 * np.sin(
            2 * np.pi * (rng.uniform(3, 5) * along + rng.random())
        )
        hue = 2 * np.pi * (share + np.arange(3) / 3)
        colour = 0.5 + 0.4 * np.cos(hue) + rng.normal(0, 0.05, 3)
        pixels = wave[..., None] * colour + rng.normal(0, 0.05, (self.size,) * 2 + (3,))
        return (255 * np.clip(pixels, 0, 1)).astype(np.uint8)
