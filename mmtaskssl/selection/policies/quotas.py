"""Sharing a budget evenly."""

import numpy as np


def water_fill(budget: int, sizes: np.ndarray) -> np.ndarray:
    """Splits ``budget`` as evenly as the sizes allow.

    What a small group cannot use is shared among the others. A remainder goes to the
    first groups that still have room.

    Args:
        budget: Items to hand out.
        sizes: (G,) int64 items that each group has.

    Returns:
        (G,) int64 quotas, ``quota <= size``, of sum ``min(budget, sizes.sum())``.
    """
    sizes = np.asarray(sizes, dtype=np.int64)
    quotas = np.zeros_like(sizes)
    left = min(int(budget), int(sizes.sum()))
    while left:
        open_groups = np.flatnonzero(quotas < sizes)
        # Fewer items than groups: one each for the first of them.
        open_groups = open_groups[:left]
        share = left // len(open_groups)
        given = np.minimum(share, (sizes - quotas)[open_groups])
        quotas[open_groups] += given
        left -= int(given.sum())
    return quotas
