"""The similarity from which features count as those of copies, learnt from the pool."""

import dataclasses
from typing import Any

import numpy as np

from ..features.copies import KINDS, STRENGTHS
from ..features.store import FeatureStore, check_same_extractor
from .leaks import SAME_FILE
from .search import topk

_POOL_SAMPLE = 500
# At most this share of pool images may have another one in the pool that is as similar.
_CONFUSED = 0.01
_RECALL = 0.98
# A copy with the very pixels must be found in any pool.
_HIGHEST = 0.999


@dataclasses.dataclass(frozen=True)
class FeatureGuard:
    """A threshold, and what is known of it.

    Attributes:
        store: Its images must not be selected.
        threshold: Cosine similarity.
        given: Whether the user chose it.
        confused: Share of pool images with another one in the pool as similar, natural
            duplicates included.
        recall: Share of the known copies of each kind at or above the threshold; None:
            no copies were extracted, so it is not known.
        mirrored: See `find_leaks`.
    """

    store: FeatureStore
    threshold: float
    given: bool
    confused: float
    recall: dict[str, float] | None
    mirrored: np.ndarray | None

    @classmethod
    def calibrate(
        cls,
        pool: FeatureStore,
        store: FeatureStore,
        skip: np.ndarray,
        threshold: float | None = None,
    ) -> "FeatureGuard":
        """Chooses a threshold, or judges a given one.

        It is the similarity that one pool image in a hundred reaches to its nearest
        neighbour in the pool, or what finds 98 % of the copies of every kind, if that
        is higher; without copies, or 0.98, which finds identical files.

        Args:
            pool: Features of the pool.
            store: Features of images to keep out.
            skip: (N,) bool, pool rows that are out already.
            threshold: The user's own.

        Raises:
            UserError: The copies are incomplete or of another extractor.
        """
        nearest = _nearest_in_pool(pool, skip)
        copies = store.open_copies()
        similar, mirrored = None, None
        if copies is not None:
            check_same_extractor(store, copies)
            similar, mirrored = similarity_of_copies(store, copies)
        given = threshold is not None
        if threshold is None:
            floor = SAME_FILE
            if similar is not None:
                floor = min(
                    float(np.quantile(v, 1 - _RECALL, method="lower"))
                    for v in similar.values()
                )
            border = np.quantile(nearest, 1 - _CONFUSED) if len(nearest) else -1.0
            threshold = min(max(floor, float(border)), _HIGHEST)
        confused = float((nearest >= threshold).mean()) if len(nearest) else 0.0
        recall = similar and {
            k: float((v >= threshold).mean()) for k, v in similar.items()
        }
        return cls(store, threshold, given, confused, recall, mirrored)

    def describe(self) -> dict[str, Any]:
        """Returns what summary.json says."""
        return {
            "store": str(self.store.path),
            "method": "features",
            "threshold": round(self.threshold, 4),
            "threshold_given": self.given,
            "recall": self.recall
            and {kind: round(v, 4) for kind, v in self.recall.items()},
            "strengths": self.recall and STRENGTHS,
            "pool_images_as_similar": round(self.confused, 4),
        }


def _nearest_in_pool(pool: FeatureStore, skip: np.ndarray) -> np.ndarray:
    """Returns the similarity of some pool images to their nearest neighbour."""
    left = np.flatnonzero(~skip)
    if len(left) < 2:
        return np.zeros(0)
    rng = np.random.default_rng(0)
    rows = np.sort(rng.permutation(left)[:_POOL_SAMPLE])
    hits = topk(pool.read(rows), pool, 2, skip=skip)
    # Of identical images another one may come before the image itself.
    own = hits.rows[:, 0] == rows
    return np.where(own, hits.scores[:, 1], hits.scores[:, 0])


def similarity_of_copies(
    store: FeatureStore, copies: FeatureStore
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Returns by kind how similar copies are to their originals, or these mirrored."""
    row = {image: i for i, image in enumerate(store.image_ids)}
    bad = set(store.bad_rows.tolist())
    names = [name.rpartition("@") for name in copies.image_ids]
    values, features = copies.read().astype(np.float64), store.read().astype(np.float64)
    flips = {image: i for i, (image, _, kind) in enumerate(names) if kind == "flip"}
    found: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for place, (image, _, kind) in enumerate(names):
        if image in row:
            both = features[row[image]], values[flips[image]]
            found[kind].append(max(float(values[place] @ other) for other in both))
    order = [flips[i] for i in store.image_ids if row[i] not in bad]
    mirrored = values[order].astype(np.float32)
    return {k: np.array(v) for k, v in found.items() if v}, mirrored
