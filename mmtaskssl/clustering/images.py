from collections.abc import Sequence

import numpy as np
from torch.utils.data import Dataset

from mmtaskssl.datasets.regions import as_parts
from mmtaskssl.registry import DATASETS
from mmtaskssl.utils.families import ImagesMismatch, OptionConflict, OptionMissing

from .clusters import Clusters
from .paths import make_paths


@DATASETS.register_module()
class ClusteredImages(Dataset):
    """The images of another data set, and the cluster of each.

    A sample is the inner data set's with two more keys: ``path``, that of the image's
    cluster, for example ``"0.1.1.0"`` (empty without a cluster), and ``part``. An index
    may be a pair ``(index, part)``, by which `ClusterBatches` marks what belongs
    together in a batch; without it the part is 0. Everything else (reading,
    replacement of broken images, cache) is the inner data set's.

    Args:
        dataset: Config of (or) a data set with ``image_ids`` and ``get_subset_``.
        clusters: Folder of clusters (see `Clusters`), which must know every image of
            the data set; or "labels": the data set's labels take the place of the
            leaves, for generated images.
        tree: With "labels": branches at each level, coarse first, one level a stage.

    Attributes:
        dataset (Dataset): The inner data set.
        clusters (Clusters): The clusters, with the pool's rows.
        leaf (np.ndarray): (N,) int32, leaf of each sample; -1: it has none, and takes
            part in batches of all images only.

    Raises:
        UserError: No such clusters, or they do not know an image of the data set.
    """

    def __init__(
        self,
        dataset: dict | Dataset,
        clusters: str,
        tree: Sequence[int] | None = None,
    ) -> None:
        self.dataset = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset
        if clusters == "labels":
            self.clusters = _clusters_of_labels(self.dataset, tree)
        elif tree is not None:
            raise OptionConflict("a folder of clusters has its tree: leave out tree")
        else:
            self.clusters = Clusters.open(clusters)
        row_of = {name: row for row, name in enumerate(self.clusters.image_ids)}
        missing = [name for name in self.dataset.image_ids if name not in row_of]
        if missing:
            instead = "cluster a pool with the same images and root"
            if parts := as_parts(self.clusters.image_ids):
                instead = f"of those in the clusters, {parts}"
            raise ImagesMismatch(
                f"{len(missing)} of {len(self.dataset.image_ids)} images are not in the"
                f" clusters of {clusters}, the first: {', '.join(missing[:3])}; "
                f"{instead}"
            )
        rows = [row_of[name] for name in self.dataset.image_ids]
        self.leaf = self.clusters.leaf[rows]
        self._names = [".".join(map(str, path)) for path in self.clusters.paths]

    def __getattr__(self, name: str):
        # root, image_ids, labels, class_names, metainfo, broken_images, full_init ...
        if name.startswith("__") or name == "dataset":
            raise AttributeError(name)
        return getattr(self.dataset, name)

    def get_subset_(self, indices: Sequence[int]) -> None:
        """Keeps only the samples ``indices``, in that order, in place."""
        self.dataset.get_subset_(indices)
        self.leaf = self.leaf[list(indices)]

    def members(self, path: Sequence[int]) -> np.ndarray:
        """Returns the ascending int64 indices of the samples that train a path.

        Args:
            path: One group per stage; under a partial path, with `ALL` where a stage
                is not split, those of all clusters below it.

        Raises:
            UserError: The clusters were made for another network.
        """
        return np.flatnonzero(np.isin(self.leaf, self.clusters.leaves_of(path)))

    def count(self, path: Sequence[int]) -> int:
        """Returns the number of `members`."""
        sizes = np.bincount(
            self.leaf[self.leaf >= 0], minlength=self.clusters.num_leaves
        )
        return int(sizes[self.clusters.leaves_of(path)].sum())

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int | tuple[int, int]) -> dict:
        index, part = index if isinstance(index, tuple) else (index, 0)
        leaf = self.leaf[index]
        path = self._names[leaf] if leaf >= 0 else ""
        return {**self.dataset[index], "path": path, "part": part}


def _clusters_of_labels(dataset: Dataset, tree: Sequence[int] | None) -> Clusters:
    if not tree:
        raise OptionMissing('clusters="labels" needs a tree, such as (2, 2, 1, 1)')
    leaf = np.array(dataset.labels, dtype=np.int32)
    leaf[leaf >= np.prod(tree)] = -1
    return Clusters(
        tuple(tree), list(dataset.image_ids), "", leaf, make_paths(tuple(tree))
    )
