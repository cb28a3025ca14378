"""Numbers about a selection: how similar, how evenly spread, from where."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .nearest import best_queries_of
from .task import Selection, SelectionTask

_QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
_SAMPLE = 2000


def similarity_samples(
    task: SelectionTask, selection: Selection
) -> tuple[np.ndarray, np.ndarray]:
    """Returns similarities to the nearest query: of selected and of random images.

    Returns:
        Two float64 arrays, each of at most 2,000 images.
    """
    samples = [random_rows(task, selection.rows), random_rows(task)]
    near, anywhere = (nearest_similarities(task, rows) for rows in samples)
    return near, anywhere


def random_rows(task: SelectionTask, rows: np.ndarray | None = None) -> np.ndarray:
    """Draws at most 2,000 of some rows, by default of all that may be selected."""
    rows = np.flatnonzero(~task.skip) if rows is None else rows
    if len(rows) <= _SAMPLE:
        return rows
    return np.random.default_rng(0).choice(rows, _SAMPLE, False)


def nearest_similarities(task: SelectionTask, rows: np.ndarray) -> np.ndarray:
    """Returns the similarity of rows, in ascending order, to their nearest query."""
    return best_queries_of(task.queries, task.pool, np.sort(rows))[1]


def quantiles(values: np.ndarray) -> dict[str, float]:
    """Returns minimum, maximum and quantiles, rounded to six digits."""
    if not len(values):
        return {}
    found = np.quantile(values, _QUANTILES)
    return {
        f"q{round(100 * q):02d}": round(float(v), 6)
        for q, v in zip(_QUANTILES, found, strict=True)
    }


def query_shares(selection: Selection, num_queries: int) -> dict[str, Any]:
    """Tells how evenly the selection serves the queries.

    ``effective_queries`` is exp(entropy) of the shares: all queries served alike give
    their number, a single one served gives 1.
    """
    counts = np.bincount(selection.queries, minlength=num_queries)
    shares = counts[counts > 0] / max(1, counts.sum())
    return {
        "queries": num_queries,
        "served": int((counts > 0).sum()),
        "images_per_query_min": int(counts.min()),
        "images_per_query_median": float(np.median(counts)),
        "images_per_query_max": int(counts.max()),
        "effective_queries": round(float(np.exp(-(shares * np.log(shares)).sum())), 2),
    }


def source_shares(
    sources: np.ndarray, names: list[str], rows: np.ndarray
) -> dict[str, dict[str, float]]:
    """Counts the images of every source in the pool and in the selection."""
    there = sources[sources >= 0]
    pool = np.bincount(there, minlength=len(names))
    chosen = np.bincount(sources[rows], minlength=len(names))
    return {
        name: {
            "pool": int(pool[i]),
            "selected": int(chosen[i]),
            "pool_share": round(float(pool[i] / len(there)), 6),
            "selected_share": round(float(chosen[i] / max(1, len(rows))), 6),
        }
        for i, name in enumerate(names)
    }


def target_shares(
    selection: Selection,
    targets: np.ndarray,
    names: Sequence[str],
    quotas: Sequence[int] | None,
) -> list[dict[str, Any]]:
    """Counts the images that were chosen for each of several targets.

    Args:
        selection: What was chosen.
        targets: (Q,) int64, the target of each query.
        names: Of the targets.
        quotas: Images that each was to have; None: any number.
    """
    counts = np.bincount(targets[selection.queries], minlength=len(names))
    return [
        {"store": name, "selected": count}
        | ({} if quotas is None else {"wanted": quotas[number]})
        for number, (name, count) in enumerate(zip(names, counts.tolist(), strict=True))
    ]
