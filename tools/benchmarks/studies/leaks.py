"""How many copies the leak guard finds, and what it drops beside them."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mmtaskssl.features.copies import KINDS, read_copy
from mmtaskssl.features.store import FeatureStore, check_same_extractor
from mmtaskssl.selection import pixels
from mmtaskssl.selection.feature_guard import FeatureGuard
from mmtaskssl.selection.leaks import find_leaks
from mmtaskssl.selection.nearest import top_rows
from mmtaskssl.selection.pictures import Pictures, best_matches, file_readers
from mmtaskssl.selection.pixel_guard import PixelGuard
from mmtaskssl.utils.families import OptionConflict
from mmtaskssl.utils.tables import head, row

from .study import Cell, Study, read_json

METHODS = ("pixels", "features")


class Leaks(Study):
    """The guard by each method on the test images of some targets.

    Args:
        pool: Features of the pool.
        tests: Features of test images, with copies.
        out: The working directory.
        methods: Of `METHODS`.
        copied: See `measure_pixels`.
        look_alikes: See `measure_pixels`.

    Raises:
        UserError: The features are of several extractors.
    """

    def __init__(
        self,
        pool: FeatureStore,
        tests: Sequence[FeatureStore],
        out: str | Path,
        methods: Sequence[str] = METHODS,
        copied: int = 40,
        look_alikes: int = 200,
    ) -> None:
        super().__init__(out)
        for test in tests:
            check_same_extractor(pool, test)
        self.pool, self.tests, self.methods = pool, list(tests), list(methods)
        self.copied, self.look_alikes = copied, look_alikes

    def cells(self) -> Iterator[Cell]:
        """See `Study`."""
        for method in self.methods:
            for test in self.tests:
                yield partial(self._find, method, test)

    def result(self, method: str, test: FeatureStore) -> Path:
        """Returns where the figures of a method and target are kept."""
        return self.out / f"{test.path.name}-{method}.json"

    def _find(self, method: str, test: FeatureStore) -> None:
        measure = partial(measure_features, self.pool, test)
        if method == "pixels":
            measure = partial(
                measure_pixels, self.pool, test, self.copied, self.look_alikes
            )
        self.kept(self.result(method, test), f"{test.path.name} by {method}", measure)

    def tables(self) -> str:
        """See `Study`."""
        parts = []
        for method in self.methods:
            found = {t.path.name: read_json(self.result(method, t)) for t in self.tests}
            results = {name: one for name, one in found.items() if one is not None}
            parts.append(f"by {method}: found (stated), %\n\n{table(results)}\n")
        return "\n".join(parts)


def measure_pixels(
    pool: FeatureStore, test: FeatureStore, copied: int, look_alikes: int
) -> dict[str, Any]:
    """Runs the guard by pixels on copies that it did not learn from.

    Args:
        pool: Features of the pool, whose images are there.
        test: Features of the target's test images, with copies.
        copied: Images whose copies the guard learns from, and as many others whose
            copies it is to find.
        look_alikes: Pool images compared, those most similar by their features.

    Returns:
        JSON-ready: threshold, stated and found share of each kind, and the pool images
        dropped, as pairs.

    Raises:
        UserError: No copies were extracted.
    """
    copies = _copies(test)
    guard = PixelGuard.calibrate(test, copied)
    order = np.random.default_rng(0).permutation(len(test))[:copied]
    learnt = {test.image_ids[i] for i in order.tolist()}
    place = {name: i for i, name in enumerate(copies.image_ids)}
    fresh = [name.rpartition("@")[0] for name in place if name.endswith("@crop")]
    fresh = [image for image in fresh if image not in learnt][:copied]
    features = test.read()
    found = {}
    for kind in KINDS:
        names = [f"{image}@{kind}" for image in fresh]
        near = copies.read([place[name] for name in names]) @ features.T
        pictures = Pictures.read([_reader(test.root, name) for name in names])
        matches = best_matches(
            pictures, guard.pictures, dict(enumerate(near.argmax(1).tolist()))
        )
        found[kind] = float(np.mean([_hit(m, guard.threshold) for m in matches]))
    rows = top_rows(features, pool, min(look_alikes, len(pool)))[0]
    near = (pool.read(rows) @ features.T).argmax(1)
    ids = [pool.image_ids[i] for i in rows.tolist()]
    pictures = Pictures.read(file_readers(pool.root, ids))
    matches = best_matches(pictures, guard.pictures, dict(enumerate(near.tolist())))
    dropped = [
        [image, test.image_ids[match[0]], round(match[1].agreement, 4)]
        for image, match in zip(ids, matches, strict=True)
        if _hit(match, guard.threshold)
    ]
    return {
        "threshold": guard.threshold,
        "stated": guard.recall,
        "found": found,
        "copied": len(fresh),
        "compared": len(ids),
        "dropped": sorted(dropped, key=lambda pair: -pair[2]),
    }


def measure_features(pool: FeatureStore, test: FeatureStore) -> dict[str, Any]:
    """Runs the guard by features on the whole pool; see `measure_pixels`."""
    _copies(test)
    guard = FeatureGuard.calibrate(pool, test, np.zeros(len(pool), dtype=bool))
    leaks = find_leaks(pool, test, guard.threshold, mirrored=guard.mirrored)
    return {
        "threshold": guard.threshold,
        "stated": guard.recall,
        "found": guard.recall,
        "compared": len(pool),
        "dropped": [[leak.image, leak.match, round(leak.score, 4)] for leak in leaks],
    }


def _copies(test: FeatureStore) -> FeatureStore:
    copies = test.open_copies()
    if copies is None:
        raise OptionConflict(
            f"{test.path} has no copies: extract it with extract_features.py "
            "--leak-copies"
        )
    return copies


def _reader(root: str, name: str):
    return lambda: read_copy(Path(root), name, 2 * pixels.SIDE)


def _hit(match, threshold: float) -> bool:
    return match is not None and match[1].agreement >= threshold


def table(results: dict[str, dict[str, Any]]) -> str:
    """Returns the table of one method: found (stated) per cent of each kind."""
    columns = [*KINDS, "pool images compared", "dropped"]
    lines = list(head(["target", "threshold", *columns]))
    for name, one in results.items():
        cells = [
            f"{100 * one['found'][kind]:.1f} ({100 * one['stated'][kind]:.1f})"
            for kind in KINDS
        ]
        counts = f"{one['compared']:,}", str(len(one["dropped"]))
        lines.append(row([name, f"{one['threshold']:.3f}", *cells, *counts]))
    return "\n".join(lines)
