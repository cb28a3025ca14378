"""Control arms: what a selection must beat."""

import numpy as np

from ...utils.errors import option
from ...utils.families import OptionMissing
from ..task import Selection, SelectionTask
from .quotas import water_fill


def random(task: SelectionTask) -> Selection:
    """Draws uniformly; with one seed a smaller budget is a prefix of a larger one."""
    rows = np.flatnonzero(~task.skip)
    drawn = np.random.default_rng(task.seed).permutation(rows)[: task.budget]
    return task.with_nearest_query(drawn)


def random_by_source(task: SelectionTask) -> Selection:
    """Draws the same number from every source, as far as the sources go.

    For measuring: a real pool seldom knows its sources.

    Raises:
        UserError: The sources of the pool are not known.
    """
    if task.sources is None:
        raise OptionMissing(
            "policy random_by_source needs the source of every pool image: name a "
            f"CSV with columns image,source with {option('sources')}"
        )
    rows = np.flatnonzero(~task.skip)
    rows = np.random.default_rng(task.seed).permutation(rows)
    sources = task.sources[rows]
    count = int(task.sources.max()) + 1
    quotas = water_fill(task.budget, np.bincount(sources, minlength=count))
    keep = first_of_each(sources, quotas)
    return task.with_nearest_query(rows[keep])


def first_of_each(groups: np.ndarray, quotas: np.ndarray) -> np.ndarray:
    """Marks the first ``quotas[g]`` members of every group ``g``.

    Args:
        groups: (n,) int64 group of each item.
        quotas: (G,) int64.

    Returns:
        (n,) bool.
    """
    order = np.argsort(groups, kind="stable")
    sizes = np.bincount(groups, minlength=len(quotas))
    place = np.arange(len(groups)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    keep = np.zeros(len(groups), dtype=bool)
    keep[order] = place < np.repeat(quotas, sizes)
    return keep
