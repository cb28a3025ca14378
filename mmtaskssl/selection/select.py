"""From stores to the images worth pre-training on."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..features.sources import StoreLike
from ..utils import checks
from ..utils.budgets import count_bytes
from .approximate.options import approximately
from .limits import Limits
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
    target_weights: Sequence[float] | None = None,
    target_budgets: Sequence[int] | None = None,
    per_query: int | None = None,
    per_class: int | None = None,
    per_source: int | None = None,
    min_similarity: float | None = None,
    mmr_lambda: float | None = None,
    unlike: StoreLike | Sequence[StoreLike] = (),
    unlike_last: bool = False,
    duplicates: str | os.PathLike | None = None,
    hits: str | os.PathLike | None = None,
    approximate: str | os.PathLike | None = None,
    lists: int | None = None,
    code_bytes: int | None = None,
    probes: int | None = None,
    rerank: int | None = None,
    memory: int | str | None = None,
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
        budget: Images to select, or "10%" of the pool; of more than there are, all;
            "auto": as many as are enough, see `Enough`.
        policy: A name in ``POLICIES``.
        seed: Of the policies that draw.
        exclude: Images whose copies must not be selected, as for ``pool``: the
            target's validation and test images; one or several.
        leak_guard: How images are compared with these, see `guard.METHODS`.
        threshold: Cosine similarity from which two images count as the same; without
            it the guard chooses its own. It compares features, unless told otherwise.
        pool_root: Folder of the pool's images, if not the one in the store.
        sources: CSV with the source of every pool image; for measuring, and for
            ``per_source``.
        target_weights: Of each target, its share of the budget; what one cannot fill
            goes to the others.
        target_budgets: Most images of each target.
        per_query: Most images for one image of the target.
        per_class: Most images for one class of the target.
        per_source: Most images of one source of the pool.
        min_similarity: Least cosine similarity to the nearest image of the target.
        mmr_lambda: Takes, of the first images in the policy's order, those that are
            similar to the target (1) and unlike each other (0), see `diverse`.
        unlike: Features of what is not wanted, as for ``pool``: pool images nearer to
            it than to the target are not selected.
        unlike_last: Select these after all others, where the budget takes them in.
        duplicates: Folder of a result of `deduplicate`: of copies, only what stays
            there is selected.
        hits: Folder that keeps what the search finds: a later selection for the same
            target searches only what is new in the pool.
        approximate: Folder of an index of the pool, see `build_index`, which is made if
            it is absent: the search looks through some of its lists, finds most of
            the nearest images, and says how many.
        lists: Of the index, when it is made; None: by the rows.
        code_bytes: Of a row in the index, when it is made; None: by the features.
        probes: Lists that are looked through for an image of the target; None: by their
            number.
        rerank: Candidates that are scored exactly, for each image that is found; None:
            ten, and 500 in all at least.
        memory: Bytes that the search may hold, or "2GiB"; None: any. It changes how
            often the pool is read, and nothing else.
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
    limits = Limits(
        *(target_weights, target_budgets, per_query, per_class, per_source),
        *(min_similarity, mmr_lambda, unlike_last),
    )
    options = Options(
        *(policy, seed, leak_guard, threshold, pool_root, sources, device),
        *(limits, duplicates, hits),
        approximately(approximate, lists, code_bytes, probes, rerank),
        None if memory is None else count_bytes("memory", memory),
    )
    problem = prepare(pool, target, budget, options, exclude, network, unlike)
    return dataclasses.replace(problem.solve(log, progress), thumbnails=thumbnails)
