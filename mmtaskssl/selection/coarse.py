"""Fast approximate scores with a proven error bound, to find candidates.

The exact scores of a search (``search.py``) cost a float64 product a pair. Nearly all
pairs can be ruled out by a cheaper product, provided that its error is bounded: a pair
whose coarse score is below ``threshold - margin`` cannot reach ``threshold``.
"""

import time

import numpy as np
import torch

_FLOAT32_ROUNDING = 2.0**-24
_BFLOAT16_ROUNDING = 2.0**-9


class CoarseScorer:
    """Scores blocks of rows against fixed queries, up to a known margin.

    bfloat16 products run several times faster than float32 where the CPU has them
    (AVX512-BF16, AMX). Rows are taken relative to ``centre``, so the rounding error
    shrinks with the spread of the pool: features of a network often lie in a narrow
    cone, where scores differ by less than bfloat16 resolves. The shift by
    ``query . centre`` is the same for all rows of one query.

    Args:
        queries: (Q, D) float32 holding float16 values, rows of length about 1.
        dtype: ``torch.float32`` or ``torch.bfloat16``.
        centre: (D,) any vector, best near the mean of the rows. None: zeros.
    """

    def __init__(
        self,
        queries: torch.Tensor,
        dtype: torch.dtype = torch.float32,
        centre: torch.Tensor | None = None,
    ):
        self.dtype = dtype
        self.centre = None if dtype == torch.float32 else centre
        self._queries = queries.to(dtype)
        queries = queries.double()
        self.offset = queries.new_zeros(len(queries))
        if self.centre is not None:
            self.offset = queries @ self.centre.double()
        self._lost = torch.linalg.norm(queries - self._queries.double(), dim=1)
        self._length = torch.linalg.norm(queries, dim=1)

    def __call__(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Scores one block.

        Args:
            rows: (B, D) float32 holding float16 values.

        Returns:
            Scores (Q, B) of the scorer's dtype, without `offset`, and the margin
            (Q,) float64: ``|scores + offset - exact| <= margin``.
        """
        dim = rows.shape[1]
        # Products of two float16 (or two bfloat16) are exact in float32, so only the
        # additions round: Higham, Accuracy and Stability of Numerical Algorithms,
        # section 3.1; doubled for units that round after every pair of products.
        summing = 2 * dim * _FLOAT32_ROUNDING
        if self.dtype == torch.float32:
            length = torch.linalg.norm(rows, dim=1).max().double()
            return self._queries @ rows.T, summing * self._length * length
        if self.centre is not None:
            rows = rows - self.centre.float()
        rounded = rows.to(self.dtype)
        length = torch.linalg.norm(rows, dim=1).max().double()
        lost = torch.linalg.norm(rows - rounded.float(), dim=1).max().double()
        # The products lose what the inputs lost, by Cauchy-Schwarz; then the sum is
        # rounded to bfloat16. A hundredth more covers the float32 arithmetic of the
        # centring and of these norms themselves.
        relative = summing + _BFLOAT16_ROUNDING
        margin = self._lost * length + self._length * (lost + relative * length)
        return self._queries @ rounded.T, 1.01 * margin

    def cutoff(self, threshold: torch.Tensor, margin: torch.Tensor) -> torch.Tensor:
        """Returns (Q,) of the scorer's dtype: what lies below has no chance.

        Args:
            threshold: (Q,) float64 exact scores that a pair must reach.
            margin: (Q,) float64 as returned with the block's scores.
        """
        cut = threshold - self.offset - margin
        # The conversion may round up by half a step.
        step = 2 * (
            _BFLOAT16_ROUNDING if self.dtype == torch.bfloat16 else _FLOAT32_ROUNDING
        )
        return (cut - cut.abs().nan_to_num(posinf=0.0) * step).to(self.dtype)


def measure(
    num_queries: int, dim: int, device: torch.device
) -> tuple[torch.dtype, float]:
    """Measures which coarse product is faster here; results depend on neither.

    Args:
        num_queries: Queries of the search.
        dim: Features a row.
        device: Where the search runs.

    Returns:
        The dtype, and its speed in pairs (query x row) a second.
    """
    speed = {}
    for dtype in (torch.float32, torch.bfloat16):
        left = torch.ones(min(num_queries, 512), dim, dtype=dtype, device=device)
        right = torch.ones(1024, dim, dtype=dtype, device=device)
        seconds = []
        for _ in range(4):
            begin = time.perf_counter()
            (left @ right.T)[0, 0].item()
            seconds.append(time.perf_counter() - begin)
        speed[dtype] = len(left) * len(right) / min(seconds[1:])
    # Coarser scores leave more candidates, so bfloat16 must win clearly.
    wins = speed[torch.bfloat16] > 1.5 * speed[torch.float32]
    dtype = torch.bfloat16 if wins else torch.float32
    return dtype, speed[dtype]


def sample_centre(rows: np.ndarray, count: int = 1024) -> torch.Tensor:
    """Returns (D,) float32, the mean of about ``count`` evenly spaced rows."""
    step = max(1, len(rows) // count)
    return torch.from_numpy(rows[::step].astype(np.float32)).mean(0)
