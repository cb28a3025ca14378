"""One of each group of copies in a pool stays."""

import dataclasses
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...datasets.images import ImagesLike, list_images
from ...features import layout
from ...features.fingerprint import fingerprint
from ...features.memory import MemoryStore
from ...features.store import FeatureStore
from ...utils import checks
from ...utils.errors import UserError, option
from ..pictures import FLOOR
from ..windows import LENGTH, mirrored
from .deduplicated import Copy, Deduplicated, inputs_of
from .groups import components, kept_of
from .looking import Laying, Looked, look
from .names import BY, KEEP, By, Keep
from .neighbours import Near, near_pairs

# Features of copies are nearer than that: what is laid over each other.
_FEATURES = 0.5
# Of more images, whole ones are looked for in whole ones, which finds no crops.
_CROPS = 30_000
# Without known copies, features of the same picture are at least that near.
_SAME = 0.98

ProgressFactory = Callable[[str, int], Callable[[int], None]]


@dataclasses.dataclass(frozen=True)
class Pool:
    """Images that may be copies of each other.

    Attributes:
        root: Their folder.
        image_ids: Paths in it.
        store: Their features; None: there are none.
    """

    root: str
    image_ids: Sequence[str]
    store: FeatureStore | None

    @classmethod
    def open(
        cls, pool: ImagesLike | FeatureStore, root: str | os.PathLike | None
    ) -> "Pool":
        """Opens a store, or lists images."""
        if isinstance(pool, str | os.PathLike):
            folder = Path(pool).expanduser()
            if (folder / layout.MANIFEST).is_file():
                pool = FeatureStore.open(folder)
        if isinstance(pool, FeatureStore):
            where = pool.root if root is None else os.fspath(root)
            return cls(where, pool.image_ids, pool)
        folder, ids = list_images(pool, root)
        return cls(str(folder), ids, None)


def deduplicate(
    pool: ImagesLike | FeatureStore,
    *,
    by: By = "pixels",
    threshold: float | None = None,
    keep: Keep = "largest",
    neighbours: int = 4,
    root: str | os.PathLike | None = None,
    device: str = "cpu",
    progress: ProgressFactory | None = None,
) -> Deduplicated:
    """Finds images of a pool that are copies of each other, and which of them stay.

    Copies by bytes are found always. By pixels, what small versions or features take
    for alike is laid over each other, mirrored and cropped, too (see `pixels`), and an
    agreement counts that copies made of some of the images reach. By features,
    everything that is as near as known copies are (`extract` makes them with
    ``leak_copies``), so that what looks alike goes, too. Images that others connect are
    one group.

    Args:
        pool: Images, see `list_images`, or a feature store of them, or its folder.
        by: See `BY`.
        threshold: Agreement of pixels, or similarity of features, from which two images
            are copies; None: learnt.
        keep: Which of a group stays: the one of most pixels, then bytes, or the first.
        neighbours: Of each image, how many of the nearest are looked at.
        root: Folder of the images, if not the one in the store.
        device: Where to search; see `pick_device`.
        progress: Makes, from a title and a number of items, a function that takes how
            many are done.

    Raises:
        UserError: Images or features are needed that are not there, or a bad option.
    """
    checks.one_of("by", by, BY)
    checks.one_of("keep", keep, KEEP)
    checks.finite("threshold", threshold, -1, 1, none=True)
    checks.whole("neighbours", neighbours, 1)
    checks.path_like("root", root, none=True)
    checks.function("progress", progress, none=True)
    if by == "bytes":
        checks.unused("where bytes are compared", threshold=threshold)
    found = Pool.open(pool, root)
    inputs = inputs_of_pool(found, by, threshold, keep, neighbours)
    if found.store is None and by == "features":
        raise UserError(
            "features are compared, and these are images: name a feature store of them"
        )
    finder = _Finder(found, threshold, neighbours, device, progress)
    find = {
        "bytes": finder.by_bytes,
        "pixels": finder.by_pixels,
        "features": finder.by_features,
    }
    copies, facts = find[by]()
    pairs = np.array([(c.first, c.second) for c in copies], np.int64).reshape(-1, 2)
    groups = components(len(found.image_ids), pairs)
    sizes = finder.looked.sizes if keep == "largest" and finder.looked else None
    kept = [kept_of(group, sizes) for group in groups]
    facts = {"by": by, "keep": keep, **facts}
    return Deduplicated(
        *(found.root, found.image_ids, groups, kept, copies, facts, inputs)
    )


def inputs_of_pool(
    pool: Pool, by: By, threshold: float | None, keep: Keep, neighbours: int
) -> Mapping[str, Any]:
    """Returns what the answer depends on; see `deduplicate`."""
    return inputs_of(
        pool.image_ids,
        None if pool.store is None else fingerprint(pool.store),
        by=by,
        threshold=threshold,
        keep=keep,
        neighbours=neighbours,
    )


@dataclasses.dataclass
class _Finder:
    """Finds copies; see `deduplicate`."""

    pool: Pool
    threshold: float | None
    neighbours: int
    device: str
    progress: ProgressFactory | None
    looked: Looked | None = None

    def by_bytes(self) -> tuple[list[Copy], dict[str, Any]]:
        """Finds files of the same content."""
        looked = self._look()
        return list(_same_bytes(looked.hashes)), {"notes": _unread(looked)}

    def by_pixels(self) -> tuple[list[Copy], dict[str, Any]]:
        """Finds images that show the same pixels."""
        looked = self._look()
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
            agreement, transform = laying.agreement(first, second)
            if agreement >= threshold:
                copies.append(Copy(first, second, "pixels", agreement, transform))
            if done:
                done(number)
        return copies, {
            **facts,
            "threshold": round(threshold, 4),
            "compared": len(likely),
            "notes": notes,
        }

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
            Copy(first, second, "features", float(score))
            for (first, second), score in zip(
                near.pairs.tolist(), near.scores, strict=True
            )
        ]
        return copies, {"threshold": round(threshold, 4), "notes": notes}

    def _look(self) -> Looked:
        ids = self.pool.image_ids
        done = self.progress and self.progress("images", len(ids))
        self.looked = look(self.pool.root, ids, done, windows=len(ids) <= _CROPS)
        if len(self.looked.broken) == len(ids):
            raise UserError(
                f"none of the {len(ids):,} images is in {self.pool.root or 'a folder'}:"
                f" name theirs with {option('root')}"
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
                f"of more than {_CROPS:,} images, crops are looked for by features "
                "alone, and there are none: name a feature store to find them"
            )
        pairs = np.unique(np.concatenate([part.pairs for part in parts]), axis=0)
        broken, tints = set(looked.broken), looked.tints
        return [
            (first, second)
            for first, second in pairs.tolist()
            if first not in broken
            and second not in broken
            and not tints[first].differs(tints[second])
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
        from ..feature_guard import similarity_of_copies

        copies = store.open_copies()
        if copies is None:
            notes.append(
                f"warning: a similarity of {_SAME} is taken for that of copies, which "
                "are not known here: extract them with --leak-copies, or give a "
                + option("threshold")
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
