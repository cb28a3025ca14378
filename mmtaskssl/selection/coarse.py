"""Fast approximate scores with a proven error bound, to find candidates.

The exact scores of a search (``search.py``) cost a float64 product a pair. Nearly all
pairs can be ruled out by a cheaper product, provided that its error is bounded: a pair
whose coarse score is below ``threshold - margin`` cannot reach ``threshold``.
"""

import functools
import math
import os
import time
from collections.abc import Callable

import numpy as np
import torch

from ..utils.number_formats import has_native_bfloat16

# Unit roundoff: the largest relative error of rounding to a format.
_UNIT_ROUNDOFF = {torch.float32: 2.0**-24, torch.bfloat16: 2.0**-8}

# Scores of a tile of rows stay in the cache of a core until they are compared.
_TILE_BYTES, _LEAST_TILE = 2**20, 256
# Rows that products are compared on.
_PROBED = 4096

Product = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


class CoarseScorer:
    """Scores blocks of rows against fixed queries, up to a known margin.

    bfloat16 products run several times faster than float32 where the CPU has them
    (AVX512-BF16, AMX); elsewhere they are emulated, and slower. Rows are taken relative
    to ``centre``, so that the rounding error shrinks with the spread of the pool:
    features of a network often lie in a narrow cone, where scores differ by less than
    bfloat16 resolves. The shift by ``query . centre`` is the same for all rows of one
    query.

    Args:
        queries: (Q, D) float32 holding float16 values, rows of length about 1.
        dtype: ``torch.float32`` or ``torch.bfloat16``.
        centre: (D,) float32, any vector, best near the mean of the rows. Only
            bfloat16 needs it. None: zeros.

    Attributes:
        offset: (Q,) float64, to be added to the scores of each query.
        margin: (Q,) float64 of the loaded block: ``score + offset`` differs from the
            exact score by at most this, before it is rounded to ``dtype``.
    """

    def __init__(
        self,
        queries: torch.Tensor,
        dtype: torch.dtype = torch.float32,
        centre: torch.Tensor | None = None,
    ):
        self.dtype = dtype
        self._product = _torch_product
        if dtype == torch.float32 and queries.device.type == "cpu":
            self._product = _fastest_product(*queries.shape, torch.get_num_threads())
        self._centre = None
        self._queries = queries.to(dtype)
        queries = queries.double()
        self.offset = queries.new_zeros(len(queries))
        if dtype != torch.float32:
            self._centre = queries.new_zeros(queries.shape[1]).float()
            if centre is not None:
                self._centre = centre
                self.offset = queries @ centre.double()
        self._length = torch.linalg.norm(queries, dim=1)
        self._lost = torch.linalg.norm(queries - self._queries.double(), dim=1)
        self.margin = torch.zeros_like(self.offset)
        self._buffers: dict[str, torch.Tensor] = {}

    def load(self, rows: torch.Tensor) -> None:
        """Takes the next block of rows, (B, D) float32 holding float16 values."""
        self._rows, lost = rows, 0.0
        if self._centre is not None:
            shifted = self._buffer("shifted", rows.shape, torch.float32)
            rows = torch.sub(rows, self._centre, out=shifted)
            self._rows = self._buffer("rounded", rows.shape, self.dtype).copy_(rows)
            rest = self._buffer("rest", rows.shape, torch.float32)
            rest.copy_(self._rows).sub_(rows)
            lost = torch.linalg.norm(rest, dim=1).max().double()
        length = torch.linalg.norm(rows, dim=1).max().double()
        # Products of two float16 (or two bfloat16) are exact in float32, so only the
        # additions round: Higham, Accuracy and Stability of Numerical Algorithms,
        # section 3.1; doubled for units that round after every pair of products.
        summing = 2 * rows.shape[1] * _UNIT_ROUNDOFF[torch.float32]
        margin = summing * self._length * length
        # q x - q' x' = (q - q') x + q' (x - x'), by Cauchy-Schwarz.
        margin += self._lost * length + (self._length + self._lost) * lost
        # A hundredth more covers the float32 arithmetic of centring and norms.
        self.margin = 1.01 * margin

    def scores(self, part: slice) -> torch.Tensor:
        """Scores the loaded block against some queries.

        Returns:
            (len(part), B) of the scorer's dtype; overwritten by the next call.
        """
        queries = self._queries[part]
        out = self._buffer("scores", (len(queries), len(self._rows)), self.dtype)
        return self._product(queries, self._rows, out)

    def lower_bound(self, scores: torch.Tensor, part: slice) -> torch.Tensor:
        """Returns (q,) float64 that exact scores of pairs with ``scores`` reach.

        Args:
            scores: (q,) one of `scores` for each query.
            part: The queries.
        """
        scores = scores.double()
        scores = scores - scores.abs() * 2 * _UNIT_ROUNDOFF[self.dtype]
        return scores + self.offset[part] - self.margin[part]

    def candidates(
        self, scores: torch.Tensor, threshold: torch.Tensor, part: slice
    ) -> torch.Tensor:
        """Marks the pairs whose exact score may reach a threshold.

        Args:
            scores: (q, B) from `scores`.
            threshold: (q,) float64 exact scores.
            part: The queries.

        Returns:
            (q, B) bool, overwritten by the next call.
        """
        mask = self._buffer("mask", scores.shape, torch.bool)
        return _compare(scores, self._cut(threshold, part), mask)

    def marked(self, threshold: torch.Tensor, part: slice) -> torch.Tensor:
        """Returns `candidates` of the loaded block, scored in tiles that stay in cache.

        Args:
            threshold: See `candidates`, as for ``part``.
            part: See above.
        """
        queries, cut = self._queries[part], self._cut(threshold, part)
        mask = self._buffer("mask", (len(queries), len(self._rows)), torch.bool)
        step = max(_LEAST_TILE, _TILE_BYTES // (len(queries) * self.dtype.itemsize))
        for begin in range(0, len(self._rows), step):
            rows = self._rows[begin : begin + step]
            out = self._buffer("scores", (len(queries), len(rows)), self.dtype)
            self._product(queries, rows, out)
            _compare(out, cut, mask[:, begin : begin + step])
        return mask

    def _cut(self, threshold: torch.Tensor, part: slice) -> torch.Tensor:
        """Returns (q, 1) of the scorer's dtype, what scores of candidates reach."""
        wanted = threshold - self.offset[part] - self.margin[part]
        # Scores were rounded to their dtype. Rounding keeps order, so it is enough
        # to round the cut down.
        cut = wanted.to(self.dtype)
        below = torch.nextafter(cut, torch.full_like(cut, -torch.inf))
        return torch.where(cut.double() > wanted, below, cut)[:, None]

    def _buffer(
        self, name: str, shape: tuple[int, int], dtype: torch.dtype
    ) -> torch.Tensor:
        """Returns memory that is used again: fresh pages cost more than the sums."""
        size = shape[0] * shape[1]
        known = self._buffers.get(name)
        if known is None or known.numel() < size:
            known = torch.empty(size, dtype=dtype, device=self.offset.device)
            self._buffers[name] = known
        return known[:size].view(shape)


def _compare(
    scores: torch.Tensor, cut: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    """Fills ``mask`` with whether scores reach the cut of their row."""
    if scores.device.type != "cpu":
        return torch.ge(scores, cut, out=mask)
    if scores.dtype == torch.float32:  # several times as fast as torch.ge
        np.greater_equal(scores.numpy(), cut.numpy(), out=mask.numpy())
    elif (cut > 0).all():
        # Positive floats are ordered like their bits, and all negative ones lie
        # below; comparing integers is nine times as fast.
        bits = [x.view(torch.int16).numpy() for x in (scores, cut)]
        np.greater_equal(*bits, out=mask.numpy())
    else:
        mask.copy_(torch.ge(scores, cut))
    return mask


def _torch_product(
    queries: torch.Tensor, rows: torch.Tensor, out: torch.Tensor
) -> torch.Tensor:
    return torch.mm(queries, rows.T, out=out)


def _numpy_product(
    queries: torch.Tensor, rows: torch.Tensor, out: torch.Tensor
) -> torch.Tensor:
    np.matmul(queries.numpy(), rows.numpy().T, out=out.numpy())
    return out


@functools.lru_cache(64)
def _fastest_product(num_queries: int, dim: int, threads: int) -> Product:
    """Returns the faster float32 product here: torch's library or numpy's.

    Which one knows a CPU better differs; both keep the bound of `CoarseScorer.margin`.
    """
    allowed = os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1
    if str(threads) != str(allowed):  # numpy's would be others
        return _torch_product
    left = torch.ones(min(num_queries, 512), dim)
    right, out = torch.ones(_PROBED, dim), torch.empty(len(left), 512)
    seconds = {_torch_product: math.inf, _numpy_product: math.inf}
    for _ in range(4):
        for product in seconds:
            begin = time.process_time()  # others' work does not count
            for rows in right.split(512):
                product(left, rows, out)
            seconds[product] = min(seconds[product], time.process_time() - begin)
    return min(seconds, key=lambda product: seconds[product])


@functools.lru_cache(64)
def measure(
    num_queries: int, dim: int, device: torch.device
) -> tuple[torch.dtype, float]:
    """Chooses the faster coarse product and measures it; results depend on neither.

    bfloat16 is tried where it is native: elsewhere its products are emulated.

    Args:
        num_queries: Queries of the search.
        dim: Features a row.
        device: Where the search runs.

    Returns:
        The dtype, and its speed in pairs (query x row) a second.
    """
    speed = {}
    formats = [torch.float32]
    if has_native_bfloat16(device):
        formats.append(torch.bfloat16)
    for dtype in formats:
        left = torch.ones(min(num_queries, 512), dim, dtype=dtype, device=device)
        right = torch.ones(1024, dim, dtype=dtype, device=device)
        seconds = []
        for _ in range(4):
            begin = time.perf_counter()
            (left @ right.T)[0, 0].item()
            seconds.append(time.perf_counter() - begin)
        speed[dtype] = len(left) * len(right) / min(seconds[1:])
    # Coarser scores leave more candidates, so bfloat16 must win clearly.
    wins = speed.get(torch.bfloat16, 0) > 1.5 * speed[torch.float32]
    dtype = torch.bfloat16 if wins else torch.float32
    return dtype, speed[dtype]


def sample_centre(rows: np.ndarray, count: int = 1024) -> torch.Tensor:
    """Returns (D,) float32, the mean of about ``count`` evenly spaced rows."""
    step = max(1, len(rows) // count)
    return torch.from_numpy(rows[::step].astype(np.float32)).mean(0)
