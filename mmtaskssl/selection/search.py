"""Exact streaming cosine search: the pool is read once, past all queries.

Why the result is the same for any number of shards, threads and block sizes: features
are float16 of length about 1. The product of two float16 is a multiple of 2**-48, and
so is every partial sum of a dot product; none exceeds 2**4. All of them therefore fit
the 53 bits of a float64 without rounding, in any order of summation: a score computed
in float64 is the exact dot product. Equal scores are ordered by the lower row.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
import torch

from ..features.store import FeatureStore
from .coarse import CoarseScorer, measure, sample_centre

# A tile of scores (queries x rows) that stays in cache and bounds the memory.
BLOCK_ROWS = 2048
TILE_QUERIES = 1024
# Above this share of candidates one float64 product of the tile is cheaper than
# gathering the pairs.
_DENSE = 0.08
_GATHER_PAIRS = 1024

Progress = Callable[[int], None]


@dataclasses.dataclass(frozen=True)
class TopK:
    """The best rows of each query, best first.

    Attributes:
        rows: (Q, k) int64 pool rows.
        scores: (Q, k) float64 exact cosine similarities.
    """

    rows: np.ndarray
    scores: np.ndarray


def nonzero(mask: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Returns the indices of the true elements, one (n,) int64 an axis, in order."""
    if mask.device.type == "cpu":  # ten times as fast as torch.nonzero
        flat = torch.from_numpy(np.flatnonzero(mask.numpy()))
        if mask.ndim == 1:
            return (flat,)
        return flat // mask.shape[1], flat % mask.shape[1]
    return torch.nonzero(mask, as_tuple=True)


def exact_scores(
    queries: torch.Tensor, rows: torch.Tensor, qi: torch.Tensor, ri: torch.Tensor
) -> torch.Tensor:
    """Returns (n,) float64 exact dot products of the pairs ``(qi, ri)``.

    Args:
        queries: (Q, D) float32 holding float16 values.
        rows: (B, D) the same.
        qi: (n,) int64 indices into ``queries``.
        ri: (n,) int64 indices into ``rows``.
    """
    if len(qi) > _DENSE * len(queries) * len(rows):
        return (queries.double() @ rows.double().T)[qi, ri]
    out = torch.empty(len(qi), dtype=torch.float64, device=rows.device)
    ones = out.new_ones(rows.shape[1])
    for begin in range(0, len(qi), _GATHER_PAIRS):
        part = slice(begin, begin + _GATHER_PAIRS)
        # The products fit float32, their sum needs float64.
        products = queries.index_select(0, qi[part])
        products.mul_(rows.index_select(0, ri[part]))
        torch.mv(products.double(), ones, out=out[part])
    return out


def iter_blocks(
    pool: FeatureStore,
    skip: np.ndarray | None = None,
    block_rows: int = BLOCK_ROWS,
    device: str | torch.device = "cpu",
) -> Iterator[tuple[torch.Tensor, torch.Tensor, int]]:
    """Streams the rows of a store in order.

    Args:
        pool: The store.
        skip: (N,) bool, rows to leave out.
        block_rows: Most rows a block.
        device: Where the blocks go.

    Yields:
        Row numbers (B,) int64, features (B, D) float32, and how many rows of the
        store have been read so far.
    """
    for first, shard in pool.iter_shards():
        for begin in range(0, len(shard), block_rows):
            block = np.array(shard[begin : begin + block_rows])
            start, stop = first + begin, first + begin + len(block)
            numbers = np.arange(start, stop)
            if skip is not None and skip[start:stop].any():
                keep = ~skip[start:stop]
                numbers, block = numbers[keep], block[keep]
            if len(numbers):
                rows = torch.from_numpy(block).to(device).float()
                yield torch.from_numpy(numbers).to(device), rows, stop


def topk(
    queries: np.ndarray,
    pool: FeatureStore,
    k: int,
    *,
    skip: np.ndarray | None = None,
    block_rows: int = BLOCK_ROWS,
    coarse: torch.dtype | None = None,
    device: str | torch.device = "cpu",
    progress: Progress | None = None,
) -> TopK:
    """Finds the ``k`` most similar rows of the pool for every query.

    Memory: about ``24 * Q * max(k, 256)`` bytes for the results and a few tiles of
    scores; the pool is never held.

    Args:
        queries: (Q, D) float32 holding float16 values, as a store returns them.
        pool: Where to search.
        k: Neighbours a query; no limit but the pool's size.
        skip: (N,) bool, pool rows that must not be found.
        block_rows: Pool rows a step.
        coarse: Dtype of the candidate scores; None measures which is faster. It
            changes the speed only.
        device: Where to compute.
        progress: Called with the number of pool rows read so far.

    Returns:
        Up to ``k`` rows a query: fewer if the pool has fewer.
    """
    reachable = len(pool) if skip is None else int((~skip).sum())
    k = min(k, reachable)
    exact = torch.from_numpy(np.ascontiguousarray(queries)).to(device)
    tiles = exact.split(TILE_QUERIES)
    with full_precision():
        if coarse is None:
            coarse, _ = measure(*exact.shape, torch.device(device))
        centre = sample_centre(next(iter(pool.iter_shards()))[1]).to(device)
        scorers = [CoarseScorer(tile, coarse, centre) for tile in tiles]
        best = [TopRows(len(tile), k, device) for tile in tiles]
        for numbers, rows, done in iter_blocks(pool, skip, block_rows, device):
            for tile, scorer, kept in zip(tiles, scorers, best, strict=True):
                scores, margin = scorer(rows)
                threshold = kept.threshold
                if not torch.isfinite(threshold).all() and len(rows) >= k:
                    kth = scores.topk(k, dim=1).values[:, -1].double()
                    threshold = threshold.maximum(kth + scorer.offset - margin)
                cut = scorer.cutoff(threshold, margin)
                qi, ri = nonzero(scores >= cut[:, None])
                kept.add(qi, numbers[ri], exact_scores(tile, rows, qi, ri))
            if progress is not None:
                progress(done)
        found = [kept.finish() for kept in best]
    return TopK(
        np.concatenate([rows for rows, _ in found]),
        np.concatenate([scores for _, scores in found]),
    )


@contextlib.contextmanager
def full_precision() -> Iterator[None]:
    """Keeps float32 products float32: the error bounds count on it."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def buffer_width(k: int) -> int:
    """Returns how many rows a query the search holds to find the ``k`` best."""
    return k + max(k // 2, 128)


class TopRows:
    """The best ``k`` seen so far of each query, in a buffer that holds some more.

    Rows must arrive in ascending order: then of equal scores the one that came first
    is the one to keep.
    """

    def __init__(self, num_queries: int, k: int, device: str | torch.device = "cpu"):
        self.k = k
        self.slack = buffer_width(k) - k
        shape = (num_queries, buffer_width(k))
        self.scores = torch.full(shape, -torch.inf, dtype=torch.float64, device=device)
        self.rows = torch.zeros(shape, dtype=torch.int64, device=device)
        self.count = torch.zeros(num_queries, dtype=torch.int64, device=device)
        self.threshold = self.scores.new_full((num_queries,), -torch.inf)

    def add(self, qi: torch.Tensor, rows: torch.Tensor, scores: torch.Tensor) -> None:
        """Takes in exactly scored pairs, ordered by query, then by row."""
        # Equal to the threshold is too late: k earlier rows are at least as good.
        qi, rows, scores = _where(scores > self.threshold[qi], qi, rows, scores)
        added = torch.bincount(qi, minlength=len(self.count))
        if (self.count + added).max() > self.scores.shape[1]:
            self._compress()
            qi, rows, scores = _where(scores > self.threshold[qi], qi, rows, scores)
            added = torch.bincount(qi, minlength=len(self.count))
            if added.max() > self.slack:  # halve until no query gets too many at once
                middle = (rows.min() + rows.max() + 1) // 2
                self.add(*_where(rows < middle, qi, rows, scores))
                self.add(*_where(rows >= middle, qi, rows, scores))
                return
        first = torch.cumsum(added, 0) - added
        place = self.count[qi] + torch.arange(len(qi), device=qi.device) - first[qi]
        self.scores[qi, place] = scores
        self.rows[qi, place] = rows
        self.count += added

    def _compress(self) -> None:
        """Drops all but the best ``k``, leaving the order of arrival."""
        kth = self.scores.topk(self.k, dim=1, sorted=False).values.amin(1, keepdim=True)
        above = self.scores > kth
        level = (self.scores == kth) & torch.isfinite(self.scores)
        room = self.k - above.sum(1, keepdim=True)
        keep = above | (level & (level.cumsum(1) <= room))
        qi, place = nonzero(keep)
        scores, rows = self.scores[qi, place], self.rows[qi, place]
        self.count = keep.sum(1)
        first = torch.cumsum(self.count, 0) - self.count
        place = torch.arange(len(qi), device=qi.device) - first[qi]
        self.scores.fill_(-torch.inf)
        self.scores[qi, place] = scores
        self.rows[qi, place] = rows
        self.threshold = torch.where(self.count == self.k, kth[:, 0], -torch.inf)

    def finish(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns (Q, k) rows and scores, best first."""
        self._compress()
        scores, order = torch.sort(
            self.scores[:, : self.k], dim=1, descending=True, stable=True
        )
        return self.rows.gather(1, order).cpu().numpy(), scores.cpu().numpy()


def _where(mask: torch.Tensor, *arrays: torch.Tensor) -> tuple[torch.Tensor, ...]:
    (index,) = nonzero(mask)
    return tuple(array.index_select(0, index) for array in arrays)
