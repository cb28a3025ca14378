"""The images among which most of the target lies, in whitened features."""

import dataclasses

import numpy as np
import torch
from torch import Tensor

from ...features.store import FeatureStore
from ...utils.devices import pick_device
from ..nearest import best_rows
from ..search import full_precision
from ..stream import BLOCK_ROWS, TILE_QUERIES
from ..task import Selection, SelectionTask

#: A score is the mean similarity to so many of the nearest queries.
NEAREST = 20
# Rows of the pool that the whitening is made from.
_SAMPLE = 65536
# Added to the variance of every direction, of their mean.
_RIDGE = 0.1
# The last bits of a sum depend on the machine; the choice must not.
_DIGITS = 9


def whitened(task: SelectionTask) -> Selection:
    """Takes the rows with the highest mean similarity to their nearest queries.

    Features are centred and whitened by the pool (Mahalanobis, 1936), and then have
    length one. A feature of all photographs, such as that they are bright, counts
    little then, and one that few images of the pool share counts much; and a single odd
    image of the target does not draw its own neighbours in. Both are our own choice.
    So that dense parts of the target do not take all of the budget, half of a query's
    mean similarity to its own nearest queries is taken off its similarities (the
    queries' term of CSLS: Conneau et al., "Word Translation Without Parallel Data",
    ICLR 2018, section 2.3).

    Ties: the lower row.
    """
    device = pick_device(task.device)
    with full_precision():
        space = Whitening.of(task.pool, task.skip).to(device)
        queries = space(torch.from_numpy(np.ascontiguousarray(task.queries)).to(device))
        crowded = crowding(queries)
        rows, _ = best_rows(
            *(task.pool, task.budget),
            lambda block: density(space(block), queries, crowded),
            skip=task.skip,
            device=device,
            progress=task.progress,
        )
    return task.with_nearest_query(rows)


def density(rows: Tensor, queries: Tensor, less: Tensor) -> Tensor:
    """Returns each row's mean similarity to its nearest queries, rounded, (B,).

    Args:
        rows: (B, D) float64 of length one.
        queries: (Q, D) the same.
        less: (Q,), taken off the similarities to each query.
    """
    return _nearest(rows, queries, NEAREST, less).mean(1).round(decimals=_DIGITS)


def crowding(queries: Tensor) -> Tensor:
    """Returns half of each query's mean similarity to its nearest others, (Q,).

    Args:
        queries: (Q, D) float64 of length one.
    """
    none = queries.new_zeros(len(queries))
    if len(queries) < 2:
        return none
    parts = []
    for part in queries.split(BLOCK_ROWS):
        found = _nearest(part, queries, NEAREST + 1, none)
        parts.append(found[:, 1:].mean(1) / 2)  # the nearest is itself
    return torch.cat(parts)


def _nearest(rows: Tensor, queries: Tensor, count: int, less: Tensor) -> Tensor:
    """Returns the largest similarities of each row, in descending order."""
    best = rows.new_empty((len(rows), 0))
    for begin in range(0, len(queries), TILE_QUERIES):
        part = slice(begin, begin + TILE_QUERIES)
        best = torch.cat([best, rows @ queries[part].T - less[part]], 1)
        best = best.topk(min(count, best.shape[1]), dim=1).values
    return best


@dataclasses.dataclass(frozen=True)
class Whitening:
    """Makes directions of features alike: none varies more than another in the pool.

    Attributes:
        mean: (D,) float64.
        factor: (D, D) float64, the Cholesky factor of the covariance.
    """

    mean: Tensor
    factor: Tensor

    @classmethod
    def of(cls, pool: FeatureStore, skip: np.ndarray) -> "Whitening":
        """Returns that of a pool, from evenly spaced rows if there are many.

        Args:
            pool: Its features.
            skip: (N,) bool, rows to leave out.
        """
        usable = np.flatnonzero(~skip)
        places = np.linspace(0, len(usable) - 1, min(len(usable), _SAMPLE))
        numbers = usable[places.round().astype(np.int64)]
        total = torch.zeros(pool.dim, dtype=torch.float64)
        products = torch.zeros(pool.dim, pool.dim, dtype=torch.float64)
        for begin in range(0, len(numbers), BLOCK_ROWS):
            rows = torch.from_numpy(pool.read(numbers[begin : begin + BLOCK_ROWS]))
            rows = rows.double()
            total += rows.sum(0)
            products += rows.T @ rows
        mean = total / len(numbers)
        covariance = products / len(numbers) - torch.outer(mean, mean)
        level = covariance.diagonal().mean().clamp_min(torch.finfo(torch.float32).eps)
        covariance.diagonal().add_(_RIDGE * level)
        return cls(mean, torch.linalg.cholesky(covariance))

    def to(self, device: torch.device) -> "Whitening":
        """Returns it on a device."""
        return Whitening(self.mean.to(device), self.factor.to(device))

    def __call__(self, features: Tensor) -> Tensor:
        """Returns whitened features (N, D) float64 of length one.

        Args:
            features: (N, D).
        """
        centred = (features.double() - self.mean).T
        found = torch.linalg.solve_triangular(self.factor, centred, upper=False).T
        return torch.nn.functional.normalize(found, dim=1)
