"""The lists of an index: k-means in two steps, so that a row meets few centroids."""

import dataclasses
import math

import numpy as np
import torch

_ITERATIONS = 10
# Groups of lists among which the list of a row is looked for.
_GROUPS = 2
#: Rows that find their lists at once, so that each group meets some hundreds of them.
STEP_ROWS = 16384


@dataclasses.dataclass(frozen=True)
class Lists:
    """Centroids of lists, in groups.

    Rows are compared with the centroids of the groups, then with those of the lists of
    the two nearest groups: with some hundreds instead of some ten thousands.

    Attributes:
        groups: (G, D) float32 of length one.
        sizes: (G,) int64, lists of each group.
        centroids: (L, D) float32 of length one, group by group.
    """

    groups: np.ndarray
    sizes: np.ndarray
    centroids: np.ndarray

    @classmethod
    def fitted(cls, rows: np.ndarray, count: int, rng: np.random.Generator) -> "Lists":
        """Fits lists to rows.

        Args:
            rows: (n, D) float32, at least as many as lists.
            count: Lists.
            rng: Draws the first centroids.
        """
        sample = torch.from_numpy(rows)
        groups = _kmeans(sample, round(math.sqrt(count)), rng)
        owner = _nearest(sample, groups)
        have = torch.bincount(owner, minlength=len(groups)).numpy()
        sizes = _shares(have, count)
        parts = [
            _kmeans(sample[owner == group], int(size), rng)
            for group, size in enumerate(sizes)
            if size
        ]
        return cls(groups.numpy(), sizes, torch.cat(parts).numpy())

    def of(self, rows: np.ndarray) -> np.ndarray:
        """Returns the list of each row, (n,) int64.

        Args:
            rows: (n, D) float32.
        """
        groups, centroids = map(torch.from_numpy, (self.groups, self.centroids))
        ends = np.cumsum(self.sizes)
        out: np.ndarray = np.empty(len(rows), np.int64)
        for begin in range(0, len(rows), STEP_ROWS):
            some = torch.from_numpy(rows[begin : begin + STEP_ROWS])
            scores = some @ groups.T
            scores[:, torch.from_numpy(self.sizes == 0)] = -torch.inf
            few = min(_GROUPS, int((self.sizes > 0).sum()))
            near = scores.topk(few, dim=1).indices
            best = torch.full((len(some),), -torch.inf)
            chosen = torch.zeros(len(some), dtype=torch.int64)
            for rank in range(few):
                order = torch.argsort(near[:, rank], stable=True)
                counts = torch.bincount(near[:, rank], minlength=len(groups)).tolist()
                for group, mine in enumerate(order.split(counts)):
                    if not len(mine):
                        continue
                    first = int(ends[group] - self.sizes[group])
                    part = centroids[first : int(ends[group])]
                    found, place = (some[mine] @ part.T).max(1)
                    better = found > best[mine]
                    best[mine[better]] = found[better]
                    chosen[mine[better]] = place[better] + first
            out[begin : begin + STEP_ROWS] = chosen.numpy()
        return out


def _shares(have: np.ndarray, count: int) -> np.ndarray:
    """Divides lists among groups by their rows; none has more lists than rows."""
    exact = have * (count / have.sum())
    sizes = np.minimum(np.maximum(np.floor(exact).astype(np.int64), have > 0), have)
    while (missing := count - int(sizes.sum())) > 0:
        open_groups = np.flatnonzero(sizes < have)
        neediest = open_groups[np.argsort(-(exact - sizes)[open_groups], kind="stable")]
        sizes[neediest[:missing]] += 1
    while (over := int(sizes.sum()) - count) > 0:  # each group with rows had one
        sizes[np.argsort(-sizes, kind="stable")[:over]] -= 1
    return sizes


def _kmeans(rows: torch.Tensor, count: int, rng: np.random.Generator) -> torch.Tensor:
    """Spherical k-means (Lloyd); a cluster that becomes empty keeps its centroid."""
    drawn = np.sort(rng.permutation(len(rows))[:count])
    centroids = torch.nn.functional.normalize(rows[torch.from_numpy(drawn)], dim=1)
    if count == len(rows):
        return centroids
    for _ in range(_ITERATIONS):
        nearest = _nearest(rows, centroids)
        sums = torch.zeros_like(centroids).index_add_(0, nearest, rows)
        filled = torch.bincount(nearest, minlength=count) > 0
        means = torch.nn.functional.normalize(sums, dim=1)
        centroids = torch.where(filled[:, None], means, centroids)
    return centroids


def _nearest(rows: torch.Tensor, centroids: torch.Tensor) -> torch.Tensor:
    parts = [(some @ centroids.T).argmax(1) for some in rows.split(4096)]
    return torch.cat(parts)
