"""Where in a clustered pool a target lies."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..clustering.clusters import Clusters
from ..features.store import FeatureStore
from ..routing.stored_overlap import stored_overlap
from ..utils.families import FeaturesMismatch

# Images of each cluster that vote, at most.
_VOTERS = 256


@dataclasses.dataclass(frozen=True)
class Home:
    """The fewest clusters that hold most of a target.

    Attributes:
        target: Name of the target.
        leaves: The clusters, that of most votes first.
        held: Share of the target's votes that lie in them, 0..1.
        spread: Over how many clusters all of its votes are spread: exp of their
            entropy.
        votes: Share of each cluster of the pool, 0..1.
        root: Folder of its images; "" where that is not known.
    """

    target: str
    leaves: tuple[int, ...]
    held: float
    spread: float
    votes: tuple[float, ...] = dataclasses.field(repr=False)
    root: str = ""

    @property
    def is_diffuse(self) -> bool:
        """Whether it takes more than half of the clusters: then none is its own."""
        return 2 * len(self.leaves) > len(self.votes)

    def to_dict(self) -> dict[str, Any]:
        """Returns all of it, JSON-ready."""
        found = dataclasses.asdict(self)
        votes = [round(vote, 6) for vote in self.votes]
        return {
            **found,
            "leaves": list(self.leaves),
            "votes": votes,
            "is_diffuse": self.is_diffuse,
        }

    @classmethod
    def of_dict(cls, found: Mapping[str, Any]) -> "Home":
        """Returns what `to_dict` wrote."""
        leaves, votes = tuple(found["leaves"]), tuple(found["votes"])
        return cls(
            *(found["target"], leaves, found["held"], found["spread"], votes),
            found.get("root", ""),
        )


def find_home(
    target: FeatureStore,
    pool: FeatureStore,
    clusters: Clusters,
    share: float = 0.8,
    seed: int = 0,
    name: str = "",
) -> Home:
    """Returns where a target lies, without labels.

    Each of its images votes for the clusters of its nearest pool images, see `Overlap`.

    Args:
        target: Features of its training images.
        pool: Features of the clustered images, by the same extractor.
        clusters: Of the pool.
        share: Of the votes that a home has to hold.
        seed: Of the draw of the images that are voted for, as many of each cluster or,
            of a small one, all.
        name: Of the target.

    Raises:
        UserError: The features are of two extractors, or not of the clustered images.
    """
    if target.dim != pool.dim:
        raise FeaturesMismatch(
            f"the target's features have {target.dim} dimensions and the pool's "
            f"{pool.dim}: extract both by the same network"
        )
    found = stored_overlap(target, pool, clusters, _voters(clusters, seed))
    votes = found.votes.mean(dim=0).double().numpy()
    home = home_of(votes, share, name)
    return dataclasses.replace(home, root=str(target.root or ""))


def home_of(votes: Sequence[float] | np.ndarray, share: float, name: str = "") -> Home:
    """Returns the fewest clusters that hold a share of votes.

    Args:
        votes: Of each cluster; they sum to 1.
        share: To be held, 0..1.
        name: Of the target.
    """
    shares = np.asarray(votes, dtype=float)
    order = np.argsort(-shares, kind="stable")
    held = np.cumsum(shares[order])
    count = min(int(np.searchsorted(held, share - 1e-9)) + 1, len(shares))
    positive = shares[shares > 0]
    spread = math.exp(-float((positive * np.log(positive)).sum()))
    leaves = tuple(order[:count].tolist())
    return Home(name, leaves, float(held[count - 1]), spread, tuple(shares.tolist()))


def _voters(clusters: Clusters, seed: int) -> np.ndarray:
    """Draws rows of each cluster."""
    rng = np.random.default_rng(seed)
    members = (clusters.rows(leaf) for leaf in range(clusters.num_leaves))
    return np.concatenate([rng.permutation(rows)[:_VOTERS] for rows in members])
