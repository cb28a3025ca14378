"""Opens and checks what a selection is made from."""

import csv
import dataclasses
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..features import sources
from ..features.sources import StoreLike
from ..features.store import FeatureStore, check_same_extractor
from ..utils.families import (
    BadImageSource,
    ImagesMismatch,
    ImagesUnreadable,
    SystemRefused,
)
from ..utils.inputs import open_text
from .task import SelectionTask

if TYPE_CHECKING:
    from ..features.opening import NetworkLike
    from ..features.runner import BatchRunner


@dataclasses.dataclass(frozen=True)
class Queries:
    """The target images of one or more stores, without the unusable ones.

    Attributes:
        features: (Q, D) float32.
        image_ids: (Q,) ids as reported: with several stores, ``STORE:id``.
        files: (Q,) path of each image, None where the store does not know its folder.
        labels: (Q,) int64, -1 unknown; None if no store has labels.
        class_names: Names of the classes.
        unusable: Reported ids of the images left out.
        targets: (Q,) int64, the store that each image is of; None: there is one.
    """

    features: np.ndarray
    image_ids: list[str]
    files: list[Path | None]
    labels: np.ndarray | None
    class_names: list[str] | None
    unusable: list[str]
    targets: np.ndarray | None = None


def open_stores(
    pool: StoreLike,
    targets: Sequence[StoreLike],
    excluded: Sequence[StoreLike] = (),
    network: "NetworkLike | BatchRunner | None" = None,
) -> tuple[FeatureStore, list[FeatureStore], list[FeatureStore]]:
    """Opens all stores of a selection.

    Args:
        pool: See `select`.
        targets: The target's, one or several.
        excluded: See `select`, ``exclude``.
        network: See `select`.

    Raises:
        UserError: One is missing, incomplete, or of another extractor than the pool.
    """
    store, *others = sources.open_stores([pool, *targets, *excluded], network)
    for other in others:
        check_same_extractor(store, other)
    return store, others[: len(targets)], others[len(targets) :]


def read_queries(targets: Sequence[FeatureStore]) -> Queries:
    """Reads the target images.

    Raises:
        UserError: None of them has a usable feature.
    """
    features, image_ids, files, labels, unusable = [], [], [], [], []
    counts = []
    names = sorted({name for store in targets for name in store.class_names or ()})
    for store in targets:
        prefix = f"{store.path.name}:" if len(targets) > 1 else ""
        bad = set(store.bad_rows.tolist())
        good = np.array([row for row in range(len(store)) if row not in bad], np.int64)
        unusable += [prefix + store.image_ids[row] for row in sorted(bad)]
        features.append(store.read(good))
        counts.append(len(good))
        image_ids += [prefix + store.image_ids[row] for row in good]
        root = Path(store.root) if store.root else None
        files += [root / store.image_ids[row] if root else None for row in good]
        # Index -1, an unknown class, picks the -1 at the end.
        index = [names.index(name) for name in store.class_names or ()] + [-1]
        old = np.full(len(store), -1) if store.labels is None else store.labels
        labels.append(np.array(index, dtype=np.int64)[old[good]])
    if not image_ids:
        raise ImagesUnreadable(
            "no target image has a usable feature: look at quarantine.json in "
            + ", ".join(str(store.path) for store in targets)
        )
    return Queries(
        np.concatenate(features),
        image_ids,
        files,
        np.concatenate(labels) if names else None,
        names or None,
        unusable,
        np.repeat(np.arange(len(counts)), counts),
    )


def make_task(
    pool: FeatureStore, queries: Queries, budget: int, seed: int
) -> SelectionTask:
    """Returns what a policy is given; the pool's unusable rows are out."""
    task = SelectionTask(
        pool,
        queries.features,
        skip=np.zeros(len(pool), dtype=bool),
        budget=budget,
        seed=seed,
        labels=queries.labels,
        class_names=queries.class_names,
    )
    task.skip[pool.bad_rows] = True
    return task


def read_sources(
    path: str, image_ids: Sequence[str], removed: Collection[str] = ()
) -> tuple[np.ndarray, list[str]]:
    """Reads the source of every pool image, for measuring and for limits.

    Args:
        path: CSV with the columns ``image`` and ``source``.
        image_ids: Ids of the pool in row order.
        removed: Those that need no source.

    Returns:
        (N,) int64 source of each row, -1 of those removed, and the names of the
        sources, sorted.

    Raises:
        UserError: No such file or columns, or an image without a source.
    """
    try:
        with open_text(path, newline="") as file:
            reader = csv.DictReader(file)
            if not {"image", "source"} <= set(reader.fieldnames or ()):
                raise BadImageSource(f"{path} must have the columns image,source")
            known = {line["image"]: line["source"] for line in reader}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SystemRefused(f"cannot read the sources in {path} ({error})") from error
    known = {image: source for image, source in known.items() if image not in removed}
    here = [image for image in image_ids if image not in removed]
    missing = [image for image in here if not known.get(image)]
    if missing:
        raise ImagesMismatch(
            f"{path} names no source for {len(missing)} of {len(here)} pool "
            f"images, for example {missing[0]}"
        )
    names = sorted({known[image] for image in here})
    index = {name: i for i, name in enumerate(names)}
    found = [index.get(known.get(image, ""), -1) for image in image_ids]
    return np.array(found, np.int64), names
