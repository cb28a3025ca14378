"""Exact streaming cosine search: the pool is read once, past all queries.

Why the result is the same for any number of shards, threads and block sizes: features
are float16 of length about 1. The product of two float16 is a multiple of 2**-48, and
so is every partial sum of a dot product; none exceeds 2**4. All of them therefore fit
the 53 bits of a float64 without rounding, in any order of summation: a score computed
in float64 is the exact dot product. Equal scores are ordered by the lower row.
"""

import contextlib
import dataclasses
import itertools
import math
import warnings
from collections.abc import Iterable, Iterator

import numpy as np
import torch

from ..features.store import FeatureStore
from ..utils.devices import AUTO, pick_device
from .coarse import CoarseScorer, measure, sample_centre
from .stream import BLOCK_ROWS, TILE_QUERIES, Block, Progress, iter_blocks, search_rows
from .toprows import TopRows, nonzero

# Above this share of candidates one float64 product of the tile is cheaper than
# products of the pairs.
_DENSE = 0.08
_GATHER_PAIRS = 1024

# Up to so many neighbours thresholds settle while the pool streams by, at less cost
# than a sample's. They are raised whenever so many times the rows have been seen.
_SETTLING = 64
_GROWTH = 2

# The sample that first thresholds are guessed from: runs of neighbouring rows, of
# which ``_SAMPLE_HITS`` should be among the best k of a query.
_SAMPLE_HITS = 64
_SAMPLE_RUN = 64
_SAMPLE_RUNS_MIN = 32
#: Most rows of it.
SAMPLE_ROWS = 2**16


@dataclasses.dataclass(frozen=True)
class TopK:
    """The best rows of each query, best first.

    Attributes:
        rows: (Q, k) int64 pool rows.
        scores: (Q, k) float64 exact cosine similarities.
    """

    rows: np.ndarray
    scores: np.ndarray


def exact_scores(
    queries: torch.Tensor, rows: torch.Tensor, qi: torch.Tensor, ri: torch.Tensor
) -> torch.Tensor:
    """Returns (n,) float64 exact dot products of the pairs ``(qi, ri)``.

    Args:
        queries: (Q, D) float32 holding float16 values.
        rows: (B, D) the same.
        qi: (n,) int64 indices into ``queries``, ascending.
        ri: (n,) int64 indices into ``rows``.
    """
    if len(qi) > _DENSE * len(queries) * len(rows):
        return (queries.double() @ rows.double().T)[qi, ri]
    if rows.device.type == "cpu" and len(qi) > len(rows):
        return _sampled_products(queries.double(), rows.double(), qi, ri)
    out = torch.empty(len(qi), dtype=torch.float64, device=rows.device)
    ones = out.new_ones(rows.shape[1])
    for begin in range(0, len(qi), _GATHER_PAIRS):
        part = slice(begin, begin + _GATHER_PAIRS)
        # The products fit float32, their sum needs float64.
        products = queries.index_select(0, qi[part])
        products.mul_(rows.index_select(0, ri[part]))
        torch.mv(products.double(), ones, out=out[part])
    return out


def _sampled_products(
    queries: torch.Tensor, rows: torch.Tensor, qi: torch.Tensor, ri: torch.Tensor
) -> torch.Tensor:
    """Computes `exact_scores` without copies of each pair's features."""
    ends = torch.zeros(len(queries) + 1, dtype=torch.int64)
    torch.cumsum(torch.bincount(qi, minlength=len(queries)), 0, out=ends[1:])
    with warnings.catch_warnings():  # of torch, that its sparse tensors are new
        warnings.simplefilter("ignore", UserWarning)
        pairs = torch.sparse_csr_tensor(
            *(ends, ri, torch.zeros(len(ri), dtype=torch.float64)),
            size=(len(queries), len(rows)),
            check_invariants=False,
        )
        return torch.sparse.sampled_addmm(pairs, queries, rows.T, beta=0.0).values()


def topk(
    queries: np.ndarray,
    pool: FeatureStore,
    k: int,
    *,
    skip: np.ndarray | None = None,
    block_rows: int | None = None,
    coarse: torch.dtype | None = None,
    device: str | torch.device = AUTO,
    progress: Progress | None = None,
    sample_rows: int = SAMPLE_ROWS,
) -> TopK:
    """Finds the ``k`` most similar rows of the pool for every query.

    Memory: about ``32 * Q * max(k, 64)`` bytes for the results and a few tiles of
    scores; the pool is never held.

    Args:
        queries: (Q, D) float32 holding float16 values, as a store returns them.
        pool: Where to search.
        k: Neighbours a query; no limit but the pool's size.
        skip: (N,) bool, pool rows that must not be found.
        block_rows: Pool rows a step; None: as many as a cache holds.
        coarse: Dtype of the candidate scores; None measures which is faster. It
            changes the speed only.
        device: Where to compute; see `pick_device`.
        progress: Called with the number of pool rows read so far.
        sample_rows: Most rows that first thresholds are guessed from. It changes the
            speed only.

    Returns:
        Up to ``k`` rows a query: fewer if the pool has fewer.
    """
    skip = np.zeros(len(pool), dtype=bool) if skip is None else skip
    k = min(k, int((~skip).sum()))
    device = pick_device(device)
    block_rows = block_rows or search_rows(pool.dim)
    exact = torch.from_numpy(np.ascontiguousarray(queries)).to(device)

    def stream() -> Iterator[Block]:
        for block in iter_blocks(pool, skip, block_rows, device):
            yield block
            if progress is not None:
                progress(block[2])

    with full_precision():
        if coarse is None:
            coarse, _ = measure(*exact.shape, device)
        centre = sample_centre(next(iter(pool.iter_shards(skip)))[1]).to(device)
        scorer = CoarseScorer(exact, coarse, centre)
        guess = None
        if k > _SETTLING:
            guess = _guess_thresholds(scorer, exact, pool, k, skip, sample_rows)
        rows, scores = _search(scorer, exact, stream(), k, guess)
        wrong = np.flatnonzero(~np.isfinite(scores[:, -1]))
        if len(wrong):
            exact = exact[torch.from_numpy(wrong).to(device)]
            scorer = CoarseScorer(exact, coarse, centre)
            rows[wrong], scores[wrong] = _search(scorer, exact, stream(), k)
    return TopK(rows, scores)


def _search(
    scorer: CoarseScorer,
    exact: torch.Tensor,
    stream: Iterable[Block],
    k: int,
    guess: torch.Tensor | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns rows and scores (Q, k); -inf at the end where ``guess`` was too high."""
    parts = [
        slice(i, min(i + TILE_QUERIES, len(exact)))
        for i in range(0, len(exact), TILE_QUERIES)
    ]
    best = []
    for part in parts:
        known = None if guess is None else guess[part]
        best.append(TopRows(part.stop - part.start, k, exact.device, known))
    seen, settled = 0, math.inf if guess is not None else 0
    for numbers, rows, _ in stream:
        scorer.load(rows)
        if seen > _GROWTH * settled:
            settled = seen
            for kept in best:
                kept.settle()
        seen += len(rows)
        for part, kept in zip(parts, best, strict=True):
            threshold = kept.threshold
            if len(rows) < k or torch.isfinite(threshold).all():
                mask = scorer.marked(threshold, part)
            else:
                scores = scorer.scores(part)
                kth = scores.topk(k, dim=1).values[:, -1]
                threshold = threshold.maximum(scorer.lower_bound(kth, part))
                mask = scorer.candidates(scores, threshold, part)
            qi, ri = nonzero(mask)
            kept.add(qi, numbers[ri], exact_scores(exact[part], rows, qi, ri))
    found = [kept.finish() for kept in best]
    return tuple(np.concatenate(column) for column in zip(*found, strict=True))


def _guess_thresholds(
    scorer: CoarseScorer,
    exact: torch.Tensor,
    pool: FeatureStore,
    k: int,
    skip: np.ndarray,
    most: int,
) -> torch.Tensor | None:
    """Guesses, from a sample, scores that somewhat more than ``k`` rows exceed.

    Without it about ``k * log(N / k)`` rows a query pass before the threshold of a
    stream has settled.

    Returns:
        (Q,) float64; None where a sample would not pay.
    """
    size = min(_SAMPLE_HITS * len(pool) // k, len(pool) // 16, most)
    runs = size // _SAMPLE_RUN
    if runs < _SAMPLE_RUNS_MIN:
        return None
    first = np.linspace(0, len(pool) - _SAMPLE_RUN, runs).astype(np.int64)
    numbers = (first[:, None] + np.arange(_SAMPLE_RUN)).ravel()
    numbers = numbers[~skip[numbers]]
    expected = k * len(numbers) / int((~skip).sum())
    # Four standard deviations, were the rows in random order.
    rank = math.ceil(expected + 4 * math.sqrt(expected)) + 4
    if rank > len(numbers):
        return None
    sample = torch.from_numpy(pool.read(numbers)).to(exact.device)
    places = torch.from_numpy(numbers).to(exact.device)
    blocks = zip(
        places.split(BLOCK_ROWS), sample.split(BLOCK_ROWS), itertools.repeat(0)
    )
    _, scores = _search(scorer, exact, blocks, rank)
    return torch.from_numpy(scores[:, -1]).to(exact.device)


@contextlib.contextmanager
def full_precision() -> Iterator[None]:
    """Keeps float32 products float32: the error bounds count on it."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
