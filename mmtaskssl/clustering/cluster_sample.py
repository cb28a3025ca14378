"""Images of every cluster, to take statistics from."""

import hashlib
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import print_log
from torch import Tensor

from ..datasets.eval_transform import EvalTransform
from ..datasets.images import BrokenImage
from ..datasets.regions import as_parts
from ..utils.families import ImagesMismatch, TooFewImages
from .clusters import Clusters


class ClusterSample:
    """Some images of each cluster, decoded once and kept as bytes.

    Args:
        clusters: Where images lie.
        transform: Crops and normalises.
        count: Images of each cluster; all, if it has fewer.
        batch_size: Most images a batch.
        seed: Of the draw.
        leaves: Draws of these clusters only; None: of all.

    Attributes:
        clusters (Clusters): As given.

    Raises:
        UserError: Bad numbers, no image folder, or a cluster without a readable image.
    """

    def __init__(
        self,
        clusters: Clusters,
        transform: EvalTransform,
        count: int = 256,
        batch_size: int = 64,
        seed: int = 0,
        leaves: Sequence[int] | np.ndarray | None = None,
    ) -> None:
        if count < 2 or batch_size < 2:
            raise TooFewImages(
                "calibration needs at least two images a cluster and two a batch: got "
                f"{count} and {batch_size}"
            )
        if not clusters.root:
            raise ImagesMismatch(
                "the clusters do not know where their images lie: make them again, and "
                "name the pool's folder"
            )
        self.clusters, self.transform = clusters, transform
        self.batch_size, self.seed = batch_size, seed
        self._pixels: dict[int, Tensor] = {}
        digest = hashlib.sha256()
        wanted = range(clusters.num_leaves) if leaves is None else leaves
        for leaf in map(int, wanted):
            self._pixels[leaf] = self._draw(leaf, count)
            digest.update(self._pixels[leaf].numpy())
        self._sha256 = digest.hexdigest()

    def __len__(self) -> int:
        return sum(map(len, self._pixels.values()))

    def batches(self, leaves: Sequence[int] | np.ndarray) -> Iterator[Tensor]:
        """Yields normalised batches (N, 3, S, S) of clusters, mixed, of equal size.

        Args:
            leaves: The clusters.
        """
        pixels = torch.cat([self._pixels[leaf] for leaf in map(int, leaves)])
        generator = torch.Generator().manual_seed(self.seed)
        order = torch.randperm(len(pixels), generator=generator)
        parts = math.ceil(len(pixels) / self.batch_size)
        for rows in order.tensor_split(parts):
            yield self.transform.normalize(pixels[rows]).contiguous()

    @property
    def leaf(self) -> Tensor:
        """(N,) int64 clusters of the images, in the order of `ordered_batches`."""
        return torch.cat(
            [torch.full((len(p),), leaf) for leaf, p in self._pixels.items()]
        )

    def ordered_batches(self) -> Iterator[Tensor]:
        """Yields normalised batches of all images, cluster by cluster."""
        pixels = torch.cat([*self._pixels.values()])
        for part in pixels.split(self.batch_size):
            yield self.transform.normalize(part).contiguous()

    def describe(self) -> dict[str, Any]:
        """Returns what tells this sample from any other."""
        return {
            "clusters": self.clusters.manifest.get("leaf_sha256"),
            "paths": [list(path) for path in self.clusters.paths],
            "images": len(self),
            "pixels_sha256": self._sha256,
            "batch_size": self.batch_size,
            "seed": self.seed,
            "transform": self.transform.describe(),
        }

    def _draw(self, leaf: int, count: int) -> Tensor:
        rng = np.random.default_rng([self.seed, leaf])
        pixels = []
        for row in rng.permutation(self.clusters.rows(leaf)).tolist():
            if len(pixels) == count:
                break
            path = Path(self.clusters.root) / self.clusters.image_ids[row]
            try:
                pixels.append(torch.from_numpy(self.transform.read(path).copy()))
            except BrokenImage as error:
                print_log(f"skipped {error}", "current")
        if not pixels:
            instead = as_parts(self.clusters.image_ids) or (
                "make the clusters again and name the pool's folder, if it has moved"
            )
            raise ImagesMismatch(
                f"no image of cluster {leaf} can be read below {self.clusters.root}: "
                + instead
            )
        return torch.stack(pixels)
