"""Hits of earlier searches, kept: of a pool that changed, only the change is searched.

::

    FOLDER/hits-KEY.npz    the hits of one target, and in which rows of the pool
    FOLDER/rows-KEY.npz    the rows nearest to it, for the policy ``score``

A file is for one set of queries and one pool; it may be deleted. It holds of each query
the best rows of what the pool was, which rows these were, and a digest of each shard.
Appending leaves the old shards as they are; removing leaves all of them. So the best
rows of today are among the old hits that are still there and the hits among what is
new, as long as enough of the old ones are left: a query whose list is exhausted is
searched anew.
"""

import dataclasses
import hashlib
import os
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..features.fingerprint import shard_digests
from ..features.store import FeatureStore
from ..runs import writing
from ..utils.atomic import atomic_path
from ..utils.families import OutForeign
from .nearest import top_rows
from .search import TopK, topk

_VERSION = 1
# Hits beyond those asked for, so that some may be removed: a share, and so many.
_SPARE_SHARE, _SPARE = 4, 16

#: Of some queries (None: all) returns the best so many of rows that are not skipped.
Search = Callable[[np.ndarray | None, int, np.ndarray], TopK]


@dataclasses.dataclass(frozen=True)
class _State:
    """What was found, and in what.

    Attributes:
        rows: (Q, K) int64.
        scores: (Q, K) float64, -inf behind the last one.
        skip: (N,) bool, rows that were not searched.
        digests: Of the shards.
    """

    rows: np.ndarray
    scores: np.ndarray
    skip: np.ndarray
    digests: Sequence[str]


class KeptHits:
    """Searches pools, and remembers in a folder what was found.

    The result is that of `topk` and `top_rows`, whatever is remembered.

    Args:
        folder: Made if it is absent.

    Attributes:
        notes: Sentences on what was searched, for the user.

    Raises:
        UserError: It is a file.
    """

    def __init__(self, folder: str | os.PathLike) -> None:
        self.folder = Path(folder).expanduser()
        if self.folder.exists() and not self.folder.is_dir():
            raise OutForeign(
                f"{folder} is a file, and no folder for hits: name another one"
            )
        self.notes: list[str] = []

    def find(
        self,
        queries: np.ndarray,
        pool: FeatureStore,
        k: int,
        *,
        skip: np.ndarray,
        **how: Any,
    ) -> TopK:
        """See `topk`.

        Args:
            queries: See above.
            pool: See above.
            k: See above.
            skip: See above.
            **how: See above.
        """

        def search(some: np.ndarray | None, count: int, left_out: np.ndarray) -> TopK:
            wanted = queries if some is None else queries[some]
            return topk(wanted, pool, count, skip=left_out, **how)

        return self._found("hits", queries, pool, k, skip, search)

    def top_rows(
        self,
        queries: np.ndarray,
        pool: FeatureStore,
        count: int,
        *,
        skip: np.ndarray,
        **how: Any,
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `nearest.top_rows`.

        Args:
            queries: See above.
            pool: See above.
            count: See above.
            skip: See above.
            **how: See above.
        """

        def search(some: np.ndarray | None, count: int, left_out: np.ndarray) -> TopK:
            rows, scores = top_rows(queries, pool, count, skip=left_out, **how)
            return TopK(rows[None], scores[None])

        found = self._found("rows", queries, pool, count, skip, search)
        return found.rows[0], found.scores[0]

    def _found(
        self,
        kind: str,
        queries: np.ndarray,
        pool: FeatureStore,
        k: int,
        skip: np.ndarray,
        search: Search,
    ) -> TopK:
        digests = shard_digests(pool)
        path = self.folder / f"{kind}-{_key(queries, pool, digests[0])}.npz"
        old = _load(path)
        if old is None or not _fits(old, digests, pool, k):
            width = min(int((~skip).sum()), k + max(k // _SPARE_SHARE, _SPARE))
            found = search(None, width, skip)
        else:
            updated = self._updated(old, pool, k, skip, search)
            if updated is None:  # nothing has changed
                return TopK(old.rows[:, :k], old.scores[:, :k])
            found = updated
        _save(path, _State(found.rows, found.scores, skip, digests))
        return TopK(found.rows[:, :k], found.scores[:, :k])

    def _updated(
        self, old: _State, pool: FeatureStore, k: int, skip: np.ndarray, search: Search
    ) -> TopK | None:
        """Returns at least ``k`` hits of each query; None: the old ones are right."""
        before: np.ndarray = np.ones(len(pool), bool)
        before[: len(old.skip)] = old.skip
        new = before & ~skip
        if not new.any() and not (skip & ~before).any():
            return None
        parts = [_without(old.rows, old.scores, skip)]
        # Behind the last of a list that was cut short, others may come.
        complete = old.rows.shape[1] >= int((~old.skip).sum())
        ends = [] if complete else [(old.scores[:, -1], old.rows[:, -1])]
        count = int(new.sum())
        if count:
            width = min(count, max(k, old.rows.shape[1]))
            added = search(None, width, ~new)
            parts.append((added.rows, added.scores))
            if width < count:
                ends.append((added.scores[:, -1], added.rows[:, -1]))
        rows, scores = _sorted(*map(np.hstack, zip(*parts, strict=True)))
        known = np.isfinite(scores)
        for score, row in ends:
            worse = scores < score[:, None]
            later = (scores == score[:, None]) & (rows > row[:, None])
            known &= ~(worse | later)
        left = known.sum(axis=1)
        short = np.flatnonzero(left < k)
        self.notes.append(
            f"hits were kept: {count:,} of {len(pool):,} rows of the pool are new to "
            "them and were searched"
            + (
                f"; the lists of {len(short):,} of {len(rows):,} queries are exhausted "
                "by what was removed, and all rows were searched for them"
                if len(short)
                else ""
            )
        )
        wide = int(left[left >= k].min(initial=rows.shape[1]))
        if len(short):
            reachable = int((~skip).sum())
            wide = min(reachable, k + max(k // _SPARE_SHARE, _SPARE), wide)
            again = search(short, wide, skip)
            rows[short, :wide], scores[short, :wide] = again.rows, again.scores
        return TopK(rows[:, :wide], scores[:, :wide])


def _without(
    rows: np.ndarray, scores: np.ndarray, skip: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns hits, of which those that are skipped have the score -inf."""
    return rows, np.where(skip[rows], -np.inf, scores)


def _sorted(rows: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns hits best first; of equal ones the lower row."""
    order = np.lexsort((rows, -scores), axis=1)
    return np.take_along_axis(rows, order, 1), np.take_along_axis(scores, order, 1)


def _key(queries: np.ndarray, pool: FeatureStore, first: str) -> str:
    digest = hashlib.sha256(repr((_VERSION, queries.shape)).encode())
    digest.update(np.ascontiguousarray(queries).tobytes())
    digest.update(repr((pool.manifest["extractor"], pool.dim, first)).encode())
    return digest.hexdigest()[:32]


def _fits(state: _State, digests: Sequence[str], pool: FeatureStore, k: int) -> bool:
    """Whether a state is of what the pool was before something was appended."""
    shards = len(state.digests)
    rows = sum(pool.manifest["shard_rows"][:shards])
    wide = state.rows.shape[1] >= min(k, len(pool))
    return (
        [*digests[:shards]] == [*state.digests]
        and rows == len(state.skip)
        and (wide or state.rows.shape[1] >= int((~state.skip).sum()))
    )


def _load(path: Path) -> _State | None:
    """Reads a state; None: there is none, or it is damaged, and is made again."""
    damaged = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)
    try:
        with np.load(path, allow_pickle=False) as kept:
            count = int(kept["count"])
            found = _State(
                *(kept["rows"], kept["scores"]),
                np.unpackbits(kept["skip"], count=count).astype(bool),
                [str(digest) for digest in kept["digests"]],
            )
            content = kept["content"].item()
    except damaged:
        return None
    return found if content == _content(found) else None


def _save(path: Path, state: _State) -> None:
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary, open(temporary, "wb") as file:
            np.savez(
                file,
                rows=state.rows,
                scores=state.scores,
                skip=np.packbits(state.skip),
                count=len(state.skip),
                digests=np.array(state.digests),
                content=_content(state),
            )


def _content(state: _State) -> str:
    """Returns a hash of all that is kept: of numbers, any could be damage."""
    digest = hashlib.sha256(repr([*state.digests]).encode())
    for part in (state.rows, state.scores, state.skip):
        digest.update(repr((part.shape, part.dtype.str)).encode())
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()
