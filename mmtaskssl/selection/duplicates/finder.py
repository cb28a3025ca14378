"""Finds the pairs of a pool that are copies."""

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ...datasets.regions import as_parts
from ...features.memory import MemoryStore
from ...features.store import FeatureStore
from ...utils.errors import option
from ...utils.families import ImagesMismatch
from ..feature_guard import similarity_of_copies
from ..pictures import FLOOR
from ..pixels import Match
from ..windows import LENGTH, mirrored
from .deduplicated import Copy
from .looking import CROPS, WHOLE, Laying, Looked, look, windows_of
from .neighbours import Near, near_pairs
from .pool import Pool

# Features of copies are nearer than that: what is laid over each other.
_FEATURES = 0.5
# A window may lie where it fits best: two different images agree more by one of them.
# So much do 97 of 100 copies reach that are crops.
_CROP = 0.92
# Without known copies, features of the same picture are at least that near.
_SAME = 0.98

ProgressFactory = Callable[[str, int], Callable[[int], None]]


@dataclasses.dataclass
class Finder:
    """Finds copies; see `deduplicate`.

    Attributes:
        pool: The images.
        threshold: See `deduplicate`, as for the others.
        neighbours: See above.
        device: See above.
        progress: See above.
        looked: What a pass over the images told, once there was one.
    """

    pool: Pool
    threshold: float | None
    neighbours: int
    device: str
    progress: ProgressFactory | None
    looked: Looked | None = None

    def by_bytes(self) -> tuple[list[Copy], dict[str, Any]]:
        """Finds files of the same content."""
        looked = self._look(0)
        return list(_same_bytes(looked.hashes)), {"notes": _unread(looked)}

    def by_pixels(self) -> tuple[list[Copy], dict[str, Any]]:
        """Finds images that show the same pixels."""
        looked = self._look(windows_of(len(self.pool.image_ids)))
        notes = _unread(looked)
        copies = list(_same_bytes(looked.hashes))
        laying = Laying(self.pool.root, self.pool.image_ids)
        facts: dict[str, Any] = {}
        threshold = self.threshold
        if threshold is None:
            learnt = laying.calibrate()
            threshold = learnt.threshold
            facts["recall"] = {k: round(v, 4) for k, v in learnt.recall.items()}
            told = ", ".join(f"{k} {v:.0%}" for k, v in learnt.recall.items())
            notes.append(
                f"an agreement of {threshold:.3f} finds of known copies {told}"
            )
        known = {(copy.first, copy.second) for copy in copies}
        likely = [p for p in self._likely(looked, notes) if p not in known]
        done = self.progress and self.progress("compare", max(1, len(likely)))
        for number, (first, second) in enumerate(likely, 1):
            match = laying.match(first, second)
            if match is not None and self._counts(match, threshold):
                copies.append(
                    Copy(first, second, "pixels", match.agreement, match.transform)
                )
            if done:
                done(number)
        return copies, {
            **facts,
            "threshold": round(threshold, 4),
            "compared": len(likely),
            "notes": notes,
        }

    def _counts(self, match: Match, threshold: float) -> bool:
        """Whether two images count as copies."""
        if match.side < WHOLE and self.threshold is None:
            threshold = max(threshold, _CROP)
        return match.agreement >= threshold

    def by_features(self) -> tuple[list[Copy], dict[str, Any]]:
        """Finds images that look alike to a network."""
        store = self.pool.store
        assert store is not None
        notes: list[str] = []
        threshold = self.threshold
        if threshold is None:
            threshold = self._learnt(store, notes)
        near = self._near(store, "search", threshold, notes)
        copies = [
            Copy(first, second, "features", min(1.0, float(score)))
            for (first, second), score in zip(
                near.pairs.tolist(), near.scores, strict=True
            )
        ]
        return copies, {"threshold": round(threshold, 4), "notes": notes}

    def sizes(
        self, groups: Sequence[np.ndarray]
    ) -> Mapping[int, tuple[int, int]] | None:
        """Returns pixels and bytes of images of groups; None: they are not there."""
        if self.looked is not None:
            return dict(enumerate(self.looked.sizes))
        if not self.pool.root:
            return None
        rows = [row for group in groups for row in group.tolist()]
        ids = [self.pool.image_ids[row] for row in rows]
        some = look(self.pool.root, ids, windows=0)
        if len(some.broken) == len(rows):
            return None
        return dict(zip(rows, some.sizes, strict=True))

    def _look(self, windows: int) -> Looked:
        ids = self.pool.image_ids
        done = self.progress and self.progress("images", len(ids))
        self.looked = look(self.pool.root, ids, done, windows=windows)
        if len(self.looked.broken) == len(ids):
            instead = (
                as_parts(ids) or f"name theirs with {option('root', '--pool-root')}"
            )
            raise ImagesMismatch(
                f"none of the {len(ids):,} images is in {self.pool.root or 'a folder'}:"
                f" {instead}"
            )
        return self.looked

    def _likely(self, looked: Looked, notes: list[str]) -> list[tuple[int, int]]:
        """Returns the pairs that are laid over each other, in order."""
        ids = self.pool.image_ids
        each = looked.thumbs.shape[1]
        names = [f"{n}@{image}" for image in ids for n in range(each)]
        small = MemoryStore(looked.thumbs.reshape(-1, LENGTH), names)
        whole = looked.thumbs[:, 0].astype(np.float32)
        parts = [
            self._near(small, "search", FLOOR, notes, whole, each),
            self._near(small, "mirrored", FLOOR, notes, mirrored(whole), each),
        ]
        if self.pool.store is not None:
            parts.append(self._near(self.pool.store, "features", _FEATURES, notes))
        elif each == 1:
            notes.append(
                f"of more than {CROPS:,} images, crops are looked for by features "
                "alone, and there are none: name a feature store to find them"
            )
        pairs = np.unique(np.concatenate([part.pairs for part in parts]), axis=0)
        broken = set(looked.broken)
        return [
            (first, second)
            for first, second in pairs.tolist()
            if first not in broken and second not in broken
        ]

    def _near(
        self,
        store: FeatureStore,
        title: str,
        floor: float,
        notes: list[str],
        queries: np.ndarray | None = None,
        parts: int = 1,
    ) -> Near:
        done = self.progress and self.progress(title, len(store))
        near = near_pairs(
            *(store, self.neighbours, floor),
            queries=queries,
            parts=parts,
            device=self.device,
            progress=done,
        )
        if near.recall is not None:
            notes.append(
                f"{title}: approximate; it finds {near.recall:.1%} of what is nearest"
            )
        return near

    def _learnt(self, store: FeatureStore, notes: list[str]) -> float:
        """Returns the similarity that copies of the pool's images reach."""
        copies = store.open_copies()
        if copies is None:
            notes.append(
                f"warning: a similarity of {_SAME} is taken for that of copies, which "
                "are not known here: extract them with "
                f"{option('leak_copies', of='extract')}, or give a "
                f"{option('threshold')}"
            )
            return _SAME
        similar, _ = similarity_of_copies(store, copies)
        lowest = [np.quantile(v, 0.02, method="lower") for v in similar.values()]
        return float(min(lowest))


def _same_bytes(hashes: Sequence[str]) -> Iterable[Copy]:
    """Yields, for each image of the same bytes as an earlier one, the pair."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row, digest in enumerate(hashes):
        if digest:
            rows[digest].append(row)
    for alike in rows.values():
        for other in alike[1:]:
            yield Copy(alike[0], other, "bytes", 1.0)


def _unread(looked: Looked) -> list[str]:
    count = len(looked.broken)
    told = f"warning: {count:,} images could not be read, and stay: nothing is known"
    return [f"{told} of them"] if count else []
