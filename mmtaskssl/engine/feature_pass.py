"""A network over images, shared by all processes: each takes some of the batches."""

import os
from collections.abc import Hashable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.dist import all_reduce, broadcast, get_rank, get_world_size
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from mmtaskssl.datasets import UnlabeledImages
from mmtaskssl.datasets.collate import pack_images
from mmtaskssl.models.features import pooled_feature

# Of the images that go through the network at once: 167 of 224 px.
_PIXELS_AT_ONCE = 2**23


class FeaturePass:
    """Features of the images of a data set, under any number of processes.

    Every process takes a share of the batches that a single one would make, so that
    each image has the same neighbours in its batch and the same features.

    Args:
        batch_size: Images at a time and process.
        num_workers: Loading processes.
    """

    def __init__(self, batch_size: int, num_workers: int) -> None:
        self.batch_size, self.num_workers = batch_size, num_workers

    def cut(self, rows: Sequence[int]) -> list[list[int]]:
        """Returns the batches of a single process."""
        size = self.batch_size
        return [list(rows[first : first + size]) for first in range(0, len(rows), size)]

    def loaded(self, data: Dataset, batches: Sequence[list[int]]) -> DataLoader:
        """Returns what loads batches of a data set, and draws nothing of the training.

        Args:
            data: Data set.
            batches: Rows of each.
        """
        return DataLoader(
            data,
            batch_sampler=batches,
            num_workers=self.num_workers,
            collate_fn=pack_images,
            pin_memory=torch.cuda.is_available(),
            # Else the loader draws its workers' seed from the training's stream.
            generator=torch.Generator(),
        )

    def images(
        self, preprocessor: nn.Module, data: Dataset, batches: Sequence[list[int]]
    ) -> Iterator[Tensor]:
        """Yields plain views (N, 3, H, W), normalised.

        Args:
            preprocessor: Makes them.
            data: Data set.
            batches: Rows of each.
        """
        for batch in self.loaded(data, batches):
            (images,) = preprocessor(batch, training=False)["inputs"]
            yield images

    def features(
        self,
        network: nn.Module,
        preprocessor: nn.Module,
        data: Dataset,
        batches: Sequence[list[int]],
    ) -> Iterator[tuple[list[int], Tensor]]:
        """Yields rows and their features (n, D) of plain views.

        Args:
            network: In evaluation mode.
            preprocessor: Makes its images.
            data: Data set.
            batches: Rows of each.
        """
        images = self.images(preprocessor, data, batches)
        for rows, batch in zip(batches, images, strict=True):
            yield rows, features_of(network, batch)


@torch.no_grad()
def features_of(network: nn.Module, images: Tensor) -> Tensor:
    """Returns (N, D) float32 features of (N, 3, H, W) images, however large they are.

    Args:
        network: In evaluation mode.
        images: Normalised.
    """
    most = max(1, _PIXELS_AT_ONCE // (images.shape[2] * images.shape[3]))
    return torch.cat([pooled_feature(network(x)) for x in images.split(most)])


def mine(batches: Sequence[Any]) -> list[Any]:
    """Returns the batches that this process takes."""
    return list(batches[get_rank() :: get_world_size()])


def share_buffers(network: nn.Module) -> None:
    """Gives all processes the first one's buffers: batch-norm statistics."""
    for buffer in network.buffers():
        broadcast(buffer, src=0)


def common_dim(features: Tensor | None, device: torch.device) -> int:
    """Returns D of (N, D), which a process without rows hears from the others."""
    dim = torch.tensor(0 if features is None else features.shape[1], device=device)
    all_reduce(dim, "max")
    return int(dim)


def numbered(datasets: Sequence[Dataset]) -> tuple[list[np.ndarray], list[range]]:
    """Numbers the images of several data sets, each once wherever it occurs.

    Files are the same if their paths are, and they are read alike; other images if
    they are of one data set.

    Args:
        datasets: Which may be the same ones.

    Returns:
        For each data set the (N,) int64 numbers of its rows, and the range of those
        that are new in it.
    """
    known: dict[Hashable, int] = {}
    numbers, new = [], []
    for data in datasets:
        first = len(known)
        found = [known.setdefault(key, len(known)) for key in _identities(data)]
        numbers.append(np.array(found, dtype=np.int64))
        new.append(range(first, len(known)))
    return numbers, new


def _identities(data: Any) -> Iterator[Hashable]:
    inner = data
    while not isinstance(inner, UnlabeledImages) and hasattr(inner, "dataset"):
        inner = inner.dataset
    if getattr(type(inner), "read", None) is UnlabeledImages.read:
        kind = inner.store_size, os.path.realpath(inner.root)
        return ((*kind, image) for image in inner.image_ids)
    return ((id(data), row) for row in range(len(data)))
