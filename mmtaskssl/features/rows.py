"""Rows of features at length 1."""

from collections.abc import Mapping

import numpy as np

#: Why an image that was read has no direction: the network answers nothing to it.
ALL_ZERO = "feature is all zeros"


# Values that are divided at once: what they need in between is some times as large.
_VALUES = 2**20


def unit_rows(
    features: np.ndarray,
    broken: Mapping[int, str],
    dtype: type[np.floating] = np.float32,
) -> tuple[np.ndarray, dict[int, str]]:
    """Divides each row by its length; rows without a direction become zeros.

    Args:
        features: (N, D) floats.
        broken: Rows that are known to be no features, and why.
        dtype: Of the result, of values that are float32 before.

    Returns:
        (N, D), and every row that is zero with the reason, by row.
    """
    bad = dict(broken)
    # In double precision no finite float32 row can overflow its length.
    length = np.sqrt(np.einsum("nd,nd->n", features, features, dtype=np.float64))
    for row in np.flatnonzero(~np.isfinite(length)):
        bad.setdefault(int(row), "feature holds NaN or infinity")
    for row in np.flatnonzero(length == 0):
        bad.setdefault(int(row), ALL_ZERO)
    good = np.ones(len(features), dtype=bool)
    good[list(bad)] = False
    out: np.ndarray = np.zeros(features.shape, dtype)
    step = max(1, _VALUES // max(1, features.shape[1]))
    for begin in range(0, len(out), step):
        part = slice(begin, begin + step)
        whole = good[part]
        units = features[part][whole] / length[part][whole, None]
        out[part][whole] = units.astype(np.float32)
    return out, dict(sorted(bad.items()))
