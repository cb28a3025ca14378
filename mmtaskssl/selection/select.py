"""From stores to the images worth pre-training on."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..features.sources import StoreLike
from ..utils import checks
from .names import Method, Policy
from .options import Options
from .problem import Log, ProgressFactory, prepare
from .selected import Selected

if TYPE_CHECKING:
    from ..features.opening import NetworkLike
    from ..features.runner import BatchRunner


def select(
    pool: StoreLike,
    target: StoreLike | Sequence[StoreLike],
    budget: int | str,
    *,
    policy: Policy = Options.policy,
    seed: int = Options.seed,
    exclude: StoreLike | Sequence[StoreLike] = (),
    leak_guard: Method = Options.leak_guard,
    threshold: float | None = None,
    pool_root: str | os.PathLike | None = None,
    sources: str | os.PathLike | None = None,
    network: NetworkLike | BatchRunner | None = None,
    device: str = Options.device,
    thumbnails: bool = True,
    log: Log | None = None,
    progress: ProgressFactory | None = None,
) -> Selected:
    """Selects the pool images most similar to a target (SEPT, arXiv 2212.05473).

    Args:
        pool: Features of the images to select from: a store, or its folder; with
            ``network`` also the images themselves, a folder or list.
        target: Features of the target's training images, by the same extractor, or
            the images, as for ``pool``; one or several.
        budget: Images to select, or "10%" of the pool; of more than there are, all.
        policy: A name in ``POLICIES``.
        seed: Of the policies that draw.
        exclude: Images whose copies must not be selected, as for ``pool``: the
            target's validation and test images; one or several.
        leak_guard: How images are compared with these, see `guard.METHODS`.
        threshold: Cosine similarity from which two images count as the same; without
            it the guard chooses its own. It compares features, unless told otherwise.
        pool_root: Folder of the pool's images, if not the one in the store.
        sources: CSV with the source of every pool image; for measuring.
        network: Extracts, in memory, what are images and no stores; see `extract`.
        device: Where the search runs; see `pick_device`. It changes the speed only.
        thumbnails: Whether the page shows images, and their names beneath them.
        log: Takes a line for the user, on the work to come.
        progress: Makes, from a title and the pool's rows, a function to be called with
            the number of rows read so far.

    Returns:
        The chosen images; nothing is written.

    Raises:
        UserError: Stores that cannot be compared, a bad option, or nothing to select.
    """
    checks.flag("thumbnails", thumbnails)
    checks.function("log", log, none=True)
    checks.function("progress", progress, none=True)
    options = Options(policy, seed, leak_guard, threshold, pool_root, sources, device)
    problem = prepare(pool, target, budget, options, exclude, network)
    return dataclasses.replace(problem.solve(log, progress), thumbnails=thumbnails)
