"""Rows of features at length 1."""

from collections.abc import Mapping

import numpy as np

#: Why an image that was read has no direction: the network answers nothing to it.
ALL_ZERO = "feature is all zeros"


def unit_rows(
    features: np.ndarray, broken: Mapping[int, str]
) -> tuple[np.ndarray, dict[int, str]]:
    """Divides each row by its length; rows without a direction become zeros.

    Args:
        features: (N, D) floats.
        broken: Rows that are known to be no features, and why.

    Returns:
        (N, D) float32, and every row that is zero with the reason, by row.
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
    out = np.zeros(features.shape, dtype=np.float32)
    out[good] = features[good] / length[good, None]
    return out, dict(sorted(bad.items()))
