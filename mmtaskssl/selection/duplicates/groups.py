"""Groups of images that are copies of each other."""

from collections.abc import Mapping

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components


def components(count: int, pairs: np.ndarray) -> list[np.ndarray]:
    """Returns the rows that pairs connect, directly or by others.

    Args:
        count: Rows there are.
        pairs: (P, 2) int64.

    Returns:
        The rows of each group of at least two, ascending, in order of their first.
    """
    if not len(pairs):
        return []
    ones = np.ones(len(pairs), bool)
    graph = coo_matrix((ones, (pairs[:, 0], pairs[:, 1])), (count, count))
    number, label = connected_components(graph, directed=False)
    sizes = np.bincount(label, minlength=number)
    rows = np.flatnonzero(sizes[label] > 1)
    rows = rows[np.argsort(label[rows], kind="stable")]
    edges = np.flatnonzero(np.diff(label[rows])) + 1
    return sorted(np.split(rows, edges), key=lambda group: group[0])


def kept_of(group: np.ndarray, sizes: Mapping[int, tuple[int, int]] | None) -> int:
    """Returns which of a group stays.

    Args:
        group: Rows, ascending.
        sizes: By row, what makes one better: pixels, then bytes; None: the first
            row stays.
    """
    if sizes is None:
        return int(group[0])
    return int(max(group, key=lambda row: (*sizes[row], -row)))
