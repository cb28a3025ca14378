"""The overlap of a target and a clustered pool, of stored features."""

import numpy as np
import torch

from ..clustering.clusters import Clusters
from ..features.store import FeatureStore, check_same_extractor
from ..utils.errors import option
from ..utils.families import ImagesMismatch
from .overlap import Overlap


def stored_overlap(
    target: FeatureStore, pool: FeatureStore, clusters: Clusters, chosen: np.ndarray
) -> Overlap:
    """Lets a target's images vote for the clusters of some of a pool's.

    Args:
        target: Features of its images.
        pool: Of the clustered images, by the same extractor, in any order.
        clusters: Of the pool.
        chosen: Rows of the clusters that are voted for.

    Raises:
        UserError: ``pool`` lacks one of these images, or the features are of two
            extractors, or of images that were cut or normalised otherwise.
    """
    check_same_extractor(target, pool)
    place = {image: row for row, image in enumerate(pool.image_ids)}
    names = [clusters.image_ids[row] for row in chosen]
    if missing := [name for name in names if name not in place]:
        raise ImagesMismatch(
            f"{option('pool')} lacks {missing[0]}, an image of the clusters: give the "
            "features that they were made from"
        )
    rows = np.array([place[name] for name in names])
    order = np.argsort(rows)
    return Overlap(
        torch.from_numpy(target.read()),
        torch.from_numpy(pool.read(rows[order])),
        torch.from_numpy(clusters.leaf[chosen[order]]),
        clusters.tree,
    )
