"""Keeps images that the target is evaluated on out of the selection."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..features.store import FeatureStore
from ..utils.errors import option
from ..utils.families import ImagesMismatch, Unreachable
from ..utils.members import exists
from .feature_guard import FeatureGuard
from .leaks import SAME_FILE, Leak, find_leaks, merge, same_bytes
from .names import METHODS as METHODS
from .pictures import best_matches
from .pixel_guard import (
    MOST_READ,
    PixelGuard,
    confusion,
    iter_pool,
    rows_to_read,
)
from .pixels import Match
from .stream import Progress

# Dropping more than this of a pool must not go unnoticed.
_SUSPICIOUS_SHARE = 0.01
_WANTED_RECALL = 0.95


@dataclasses.dataclass(frozen=True)
class Guarded:
    """What the leak guard found.

    Attributes:
        leaks: Pool images to leave out, by row.
        facts: JSON-ready, one entry a store: method, threshold, recall, ...
        notes: Sentences for the user.
    """

    leaks: list[Leak]
    facts: list[dict[str, Any]]
    notes: list[str]


def method_for(
    store: FeatureStore, pool: FeatureStore, pool_root: str, method: str = "auto"
) -> str:
    """Returns "pixels" or "features".

    Args:
        store: Of images to keep out.
        pool: The pool.
        pool_root: Folder of its images, "" unknown.
        method: One of `METHODS`.

    Raises:
        UserError: Pixels are wanted and images are not there.
    """
    if method == "features":
        return method
    for root, name, ids in (
        (pool_root, pool.path, pool.image_ids),
        (store.root, store.path, store.image_ids),
    ):
        if not root or not _are_there(root, ids[:20]):
            if method == "auto":
                return "features"
            where = root or "an unknown folder"
            raise ImagesMismatch(
                f"the images of {name} are not in {where}: name the pool's with "
                f"{option('pool_root')}, or compare features with "
                f"{option('leak_guard')} features"
            )
    return "pixels"


def _are_there(root: str, ids: Sequence[str]) -> bool:
    try:
        return any(exists(Path(root) / image) for image in ids)
    except Unreachable:  # by who runs this
        return False


def guard(
    pool: FeatureStore,
    excluded: Sequence[FeatureStore],
    methods: Sequence[str],
    threshold: float | None = None,
    *,
    pool_root: str = "",
    skip: np.ndarray,
    progress: Progress | None = None,
) -> Guarded:
    """Finds pool images that are copies of images to keep out.

    Args:
        pool: Features of the pool.
        excluded: Stores of the target's validation and test images.
        methods: Of each store, see `method_for`.
        threshold: Cosine similarity of features that counts as the same; None chooses
            one, see `FeatureGuard`. Pixels have a threshold of their own, see
            `PixelGuard`.
        pool_root: Folder of the pool's images.
        skip: (N,) bool, pool rows that are out already.
        progress: Called with the number of pool rows done so far.
    """
    leaks: list[Leak] = []
    facts, notes = [], []
    by_pixels = [
        PixelGuard.calibrate(store)
        for store, method in zip(excluded, methods, strict=True)
        if method == "pixels"
    ]
    if by_pixels:
        found, compared, unread = _by_pixels(pool, pool_root, by_pixels, skip, progress)
        leaks += found
        out = skip.copy()
        out[[leak.row for leak in found]] = True
        for one in by_pixels:
            counts = confusion(pool_root, pool, [one], one.threshold, out)
            facts.append({**one.describe(), "compared": compared, "unread": unread})
            facts[-1]["look_alikes"], facts[-1]["look_alikes_taken"] = counts[::-1]
            notes += _pixel_notes(facts[-1], len(pool) - int(skip.sum()))
    for store, method in zip(excluded, methods, strict=True):
        if method == "features":
            one = FeatureGuard.calibrate(pool, store, skip, threshold)
            leaks += find_leaks(
                *(pool, store, one.threshold),
                mirrored=one.mirrored,
                pool_root=pool_root,
                skip=skip,
                progress=progress,
            )
            facts.append(one.describe())
            notes += _feature_notes(facts[-1])
    leaks = merge(leaks)
    return Guarded(leaks, facts, notes + _count_notes(leaks, len(pool)))


def _by_pixels(
    pool: FeatureStore,
    root: str,
    guards: Sequence[PixelGuard],
    skip: np.ndarray,
    progress: Progress | None,
) -> tuple[list[Leak], int, int]:
    """Returns leaks, the pool images compared, and images that cannot be read."""
    rows = rows_to_read(pool, guards, skip)
    found: list[Leak] = []
    unread = np.zeros(len(pool), dtype=bool)
    done = 0
    hints = [one.hints(pool, skip) for one in guards]
    for part, pictures in iter_pool(root, pool, rows):
        unread[
            [r for r, d in zip(part, pictures.details, strict=True) if d is None]
        ] = 1
        for one, similar in zip(guards, hints, strict=True):
            near = {i: similar[r] for i, r in enumerate(part.tolist()) if r in similar}
            pairs = best_matches(pictures, one.pictures, near)
            for row, pair in zip(part.tolist(), pairs, strict=True):
                if pair is not None and pair[1].agreement >= one.threshold:
                    found.append(_leak(pool, root, one.store, row, *pair))
                elif row in similar and _same(pool, root, one.store, row, similar[row]):
                    # What has no detail agrees with nothing, itself included.
                    pair = similar[row], Match(1.0)
                    found.append(_leak(pool, root, one.store, row, *pair))
        done += len(part)
        if progress is not None:
            progress(done * len(pool) // len(rows))
    lost = 0
    for one in guards:  # what cannot be read is judged as files are, by its features
        blank = [i for i, d in enumerate(one.pictures.details) if d is None]
        if unread.any():
            found += find_leaks(pool, one.store, SAME_FILE, skip=skip | ~unread)
        if blank:
            found += find_leaks(
                *(pool, one.store, SAME_FILE), queries=np.array(blank), skip=skip
            )
        lost += len(blank)
    return merge(found), len(rows), lost + int(unread.sum())


def _same(
    pool: FeatureStore, root: str, store: FeatureStore, row: int, query: int
) -> bool:
    return same_bytes(root, pool.image_ids[row], store.root, store.image_ids[query])


def _leak(
    pool: FeatureStore,
    root: str,
    store: FeatureStore,
    row: int,
    query: int,
    match: Match,
) -> Leak:
    left, right = pool.read([row])[0], store.read([query])[0]
    same = _same(pool, root, store, row, query)
    return Leak(
        row,
        pool.image_ids[row],
        "identical file" if same else "same pixels",
        store.image_ids[query],
        str(store.path),
        float(left.astype(np.float64) @ right.astype(np.float64)),
        match.agreement,
        "" if same else match.transform,
    )


def _shares(recall: dict[str, float]) -> str:
    return ", ".join(f"{kind} {value:.0%}" for kind, value in recall.items())


def _pixel_notes(facts: dict[str, Any], pool_size: int) -> list[str]:
    name = Path(facts["store"]).name
    taken, of = facts["look_alikes_taken"], facts["look_alikes"]
    notes = [
        f"leak guard of {name}: pixels of {facts['compared']:,} pool images compared; "
        f"an agreement of {facts['threshold']:.3f} finds of known copies "
        f"{_shares(facts['recall'])}; of the {of} pool images most like these, {taken} "
        "would count as copies of others in the pool (natural duplicates included)"
    ]
    if min(facts["recall"].values(), default=0.0) < _WANTED_RECALL:
        notes[0] = (
            f"warning: {notes[0]}: images with little detail, or that cannot be read, "
            f"are not found by their pixels; see what {option('leak_guard')} features "
            "drops, too"
        )
    if facts["compared"] < pool_size:
        notes.append(
            f"the leak guard compared only the {MOST_READ:,} pool images most similar "
            "by their features: what it finds among the others is not known"
        )
    if facts["unread"]:
        notes.append(
            f"warning: {facts['unread']} images could not be read; the leak guard "
            f"compared only their features (similarity {SAME_FILE})"
        )
    return notes


def _feature_notes(facts: dict[str, Any]) -> list[str]:
    name = Path(facts["store"]).name
    start = (
        f"leak guard of {name}: features compared at a similarity of "
        f"{facts['threshold']:.4f}, which {facts['pool_images_as_similar']:.1%} of "
        "pool images reach to another one in the pool"
    )
    better = "to compare pixels, name the folder of the pool's images with " + option(
        "pool_root"
    )
    if facts["recall"] is None:
        return [
            f"warning: {start}; it is not calibrated on copies, so how many mirrored, "
            f"cropped or re-encoded ones it finds is not known: {better}, or extract "
            f"{name} with {option('leak_copies', of='extract')}"
        ]
    note = f"{start}; it finds of known copies {_shares(facts['recall'])}"
    if min(facts["recall"].values(), default=0.0) < _WANTED_RECALL:
        note = f"warning: {note}: {better}"
    return [note]


def _count_notes(leaks: Sequence[Leak], pool_size: int) -> list[str]:
    if not leaks:
        return []
    notes = [
        f"{len(leaks)} pool images are copies of excluded images and were dropped: see "
        "dropped.csv"
    ]
    if len(leaks) > _SUSPICIOUS_SHARE * pool_size:
        threshold = option("threshold")
        by_features = any(leak.agreement is None for leak in leaks)
        what = (
            f"give the images so that pixels can be compared ({option('pool_root')}), "
            f"or a higher {threshold}"
            if by_features
            else f"report them as wrong, or compare features at a {threshold}"
        )
        notes.append(
            f"warning: that is {len(leaks) / pool_size:.1%} of the pool; if the pairs "
            f"in dropped.csv are not copies, {what}"
        )
    return notes
