"""A network of many paths, one for each cluster of the pool, and the target's path."""

import dataclasses
import functools
import math
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ...clustering.clusters import Clusters
from ...clustering.folder import cluster_to_folder
from ...clustering.options import Options
from ...config import load_config
from ...export.calibrate import calibrate
from ...features.sources import open_stores
from ...networks import Network, open_network
from ...routing.stored_overlap import stored_overlap
from ...utils.budgets import Budget
from ..fit.kept import kept
from ..fit.own import Own, widest
from .arm import Case, ImageList
from .recipes import Images
from .subnet import SubnetArm

_TAUGHT = (
    "configs/distill/distill-routed_resnet10-w32-16paths_1xb128-coslr-2k_folder-40px.py"
)
_ALONE = (
    "configs/sdr/routed-simsiam_resnet10-w32-16paths_1xb128-coslr-2k_folder-40px.py"
)
# Branches of clusters, those of the configs' paths.
_TREE = (4, 4, 1, 1)
# A path trains on batches of its own cluster's images: fewer say nothing.
_LEAST = 64
# Widths tried, of the first stage: multiples that the groups of later ones divide.
_STEP, _MOST = 2, 256
CLUSTERS = "clusters"
# Images of each cluster that vote, at most.
_VOTERS = 256


class Routed(SubnetArm):
    """SDR (Liu et al., arXiv 2205.13267): specialised paths, the target's by its votes.

    The path is the one whose cluster the target's images lie in most, by the features
    that the pool was clustered by; no label is read. Never the whole network, which
    costs more than the budget.
    """

    name = "routed"
    images: ClassVar[ImageList | None] = "pool"

    def what(self, case: Case) -> str:
        """See `Arm`."""
        return (
            f"of {math.prod(_TREE)} paths of our routed network, that of the target's "
            "cluster of the pool"
        )

    def refuses(self, case: Case) -> str | None:
        """See `Arm`."""
        if refused := super().refuses(case):
            return refused
        if case.counts["pool"] < _LEAST * math.prod(_TREE):
            return (
                f"a pool of {case.counts['pool']:,} images is too small for "
                f"{math.prod(_TREE)} clusters"
            )
        if self._fitting(case) is None:
            return f"no width of its paths is within {case.budget}"
        return None

    def elastic(self, case: Case) -> Own:
        """See `SubnetArm`."""
        found = self._fitting(case)
        assert found is not None
        return found

    def trained_on(self, case: Case) -> Images:
        """See `SubnetArm`."""
        clusters = self._clusters(case)
        return dataclasses.replace(self.train_images(case), clusters=clusters)

    def choose(self, case: Case, network: Network, folder: Path) -> str:
        """See `SubnetArm`."""
        assert case.stores is not None
        clusters = Clusters.open(self._clusters(case))
        pool, train = open_stores(case.stores)
        chosen = _as_many_of_each(clusters)
        scores = stored_overlap(train, pool, clusters, chosen).scores
        return max(
            network.elastic.space,
            key=lambda one: float(scores[clusters.leaves_of(one.path or ())[0]]),
        ).name

    def calibrated(self, case: Case, network: Network, subnet: str) -> Network:
        """See `SubnetArm`; a path by the images of its cluster."""
        if network.elastic.is_calibrated(subnet):
            return network
        root = case.found.pool_root
        return open_network(
            calibrate(network, subnet, clusters=self._clusters(case), root=root)
        )

    def _fitting(self, case: Case) -> Own | None:
        taught = case.teacher is not None

        def find() -> dict[str, Any] | None:
            found = _fitting(case.budget, taught)
            return None if found is None else found.options

        key = f"routed {'taught' if taught else 'alone'}"
        options = kept(case.folder, case.budget, key, find)
        return None if options is None else _path_of(_config(taught), options)

    def _clusters(self, case: Case) -> Path:
        """Clusters the pool, once."""
        assert case.folder is not None and case.stores is not None
        folder = case.folder / CLUSTERS
        cluster_to_folder(folder, case.stores[0], Options(_TREE))
        return folder


def _as_many_of_each(clusters: Clusters) -> np.ndarray:
    """Draws equally many rows of each cluster."""
    rng = np.random.default_rng(0)
    count = min(_VOTERS, int(clusters.sizes[clusters.sizes > 0].min()))
    leaves = (clusters.rows(leaf) for leaf in range(clusters.num_leaves))
    return np.concatenate([rng.permutation(rows)[:count] for rows in leaves])


def _config(is_taught: bool) -> str:
    return _TAUGHT if is_taught else _ALONE


def _path_of(config: str, options: dict[str, Any]) -> Own:
    """Returns a routed network that serves by one of its paths, all cost the same."""
    whole = Own(config, options)
    return Own(config, options, whole.architecture.elastic.space[0].name)


@functools.lru_cache(maxsize=8)
def _fitting(budget: str, is_taught: bool) -> Own | None:
    """Returns the widest network whose paths a budget pays for."""
    config = _config(is_taught)

    def at(steps: int) -> Own:
        width = _STEP * steps
        options = {"model.backbone.base_width": width}
        if not is_taught:
            options["model.neck.in_channels"] = 8 * width
        return _path_of(config, options)

    if not budget:
        return at(load_config(config).model.backbone.base_width // _STEP)
    return widest(at, _MOST // _STEP, Budget.parse(budget))
