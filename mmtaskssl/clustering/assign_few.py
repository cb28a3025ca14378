"""Assignment to many clusters of bounded size, by the best few of each row."""

import numpy as np

from .assign import check_bounds


def assign_few(
    scores: np.ndarray, which: np.ndarray, clusters: int, low: int, high: int
) -> np.ndarray:
    """Assigns rows as `balanced_assign` does, without the scores of every pair.

    A row whose best few clusters are all full goes to the emptiest one, and clusters
    that too few rows have among their best take rows of the largest ones, so that the
    bounds hold whatever the scores are.

    Args:
        scores: (n, few), best first.
        which: (n, few) cluster of each score.
        clusters: How many there are.
        low: Fewest rows of a cluster; ``clusters * low <= n``.
        high: Most rows of a cluster; ``clusters * high >= n``.

    Returns:
        (n,) int64.

    Raises:
        ValueError: No assignment keeps the bounds.
    """
    n = len(scores)
    check_bounds(n, clusters, low, high)
    assigned = which[:, 0].astype(np.int64)
    _spill(scores, which, assigned, clusters, high)
    _fill(scores, which, assigned, clusters, low)
    return assigned


def _held(scores: np.ndarray, which: np.ndarray, cluster: np.ndarray) -> np.ndarray:
    """Returns the score of each row's cluster, -inf if it is not among its best."""
    return np.where(which == cluster[:, None], scores, -np.inf).max(axis=1)


def _spill(
    scores: np.ndarray,
    which: np.ndarray,
    assigned: np.ndarray,
    clusters: int,
    high: int,
) -> None:
    is_open = np.ones(clusters, dtype=bool)
    while True:
        sizes = np.bincount(assigned, minlength=clusters)
        full = int(sizes.argmax())
        if sizes[full] <= high:
            return
        is_open[full] = False
        rows = np.flatnonzero(assigned == full)
        others = np.where(is_open[which[rows]], scores[rows], -np.inf)
        second = others.argmax(axis=1)
        best = others[np.arange(len(rows)), second]
        gain = _held(scores[rows], which[rows], assigned[rows])
        loss = np.where(np.isfinite(best), gain - best, np.inf)
        leaving = np.argsort(loss, kind="stable")[: len(rows) - high]
        goes = np.isfinite(best[leaving])
        away = leaving[goes]
        assigned[rows[away]] = which[rows[away], second[away]]
        lost = rows[leaving[~goes]]
        if len(lost):
            sizes = np.bincount(assigned, minlength=clusters)
            sizes[full] = high  # it is closed
            emptiest = np.argsort(sizes, kind="stable")
            room = np.maximum(high - sizes[emptiest], 0)
            assigned[lost] = np.repeat(emptiest, room)[: len(lost)]


def _fill(
    scores: np.ndarray,
    which: np.ndarray,
    assigned: np.ndarray,
    clusters: int,
    low: int,
) -> None:
    sizes = np.bincount(assigned, minlength=clusters)
    for poor in np.flatnonzero(sizes < low).tolist():
        # Column by column: a mask of all pairs would be as large as the scores.
        found = [np.flatnonzero(column == poor) for column in which.T]
        rows = np.concatenate(found)
        offered = np.concatenate(
            [scores[part, place] for place, part in enumerate(found)]
        )
        rich = sizes[assigned[rows]] > low
        rows, offered = rows[rich], offered[rich]
        loss = _held(scores[rows], which[rows], assigned[rows]) - offered
        rows = rows[np.lexsort((rows, loss))]
        rows = rows[_rank(assigned[rows]) < sizes[assigned[rows]] - low]
        assigned[rows[: low - sizes[poor]]] = poor
        sizes = np.bincount(assigned, minlength=clusters)
        while sizes[poor] < low:
            largest = int(sizes.argmax())
            rows = np.flatnonzero(assigned == largest)
            held = _held(scores[rows], which[rows], assigned[rows])
            count = min(low - sizes[poor], sizes[largest] - low)
            assigned[rows[np.argsort(held, kind="stable")[:count]]] = poor
            sizes = np.bincount(assigned, minlength=clusters)


def _rank(groups: np.ndarray) -> np.ndarray:
    """Returns how many earlier elements are of the same group."""
    order = np.argsort(groups, kind="stable")
    first = np.cumsum(np.bincount(groups)) - np.bincount(groups)
    rank = np.empty(len(groups), dtype=np.int64)
    rank[order] = np.arange(len(groups)) - first[groups[order]]
    return rank
