"""Features that others have made."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ..runs import State
from ..utils import checks
from ..utils.errors import option
from ..utils.families import BadValue, ShapeMismatch
from ..utils.remote.addresses import bare, shown
from . import layout, plan
from .given import Rows, open_rows, read_ids
from .labels import LabelsLike, labels_of
from .memory import MemoryStore
from .store import FeatureStore
from .writer import FeatureStoreWriter

Log = Callable[[str], None]


def import_features(
    features: str | os.PathLike | np.ndarray,
    ids: str | os.PathLike | Sequence[str] | None = None,
    out: str | os.PathLike | None = None,
    *,
    root: str | os.PathLike = "",
    labels: LabelsLike | None = None,
    extractor: str = "imported",
    rows_per_shard: int = layout.ROWS_PER_SHARD,
    overwrite: bool = False,
    log: Log = lambda text: None,
) -> FeatureStore:
    """Makes a store from a user's own embeddings.

    Args:
        features: (N, D) floats, or files of them, see `open_rows`, which are streamed
            where they go to a folder.
        ids: N image ids in row order, or files of them, see `read_ids`.
        out: Folder of the new store, which appears complete or not at all; None: the
            store stays in memory.
        root: Folder that the ids are relative to.
        labels: Class name of each row, None where unknown; a table of the columns
            image and label; or "folder": the first one of each id is the name.
        extractor: A name for what made the features: stores are only compared if
            theirs agree.
        rows_per_shard: Rows of each shard but the last.
        overwrite: Replace a store that is there. Without, one of the same features,
            ids and labels is left as it is.
        log: Takes a line if there was nothing to do.

    Raises:
        UserError: Unreadable or misshapen features, ids that do not match them, or
            an ``out`` that holds anything else.
    """
    checks.path_like("out", out, none=True)
    checks.whole("rows_per_shard", rows_per_shard)
    if not isinstance(extractor, str) or not extractor:
        raise BadValue(
            f"{option('extractor')} must be a name, not {checks.shown(extractor)}"
        )
    if not isinstance(root, str | os.PathLike):
        raise BadValue(f"{option('root')} must be a path, not {checks.shown(root)}")
    root = shown(bare(os.fspath(root)))
    if isinstance(features, str | os.PathLike):
        source = os.fspath(features)
        array: np.ndarray | Rows = open_rows(features)
        what = source
    else:
        what, source = option("features"), "memory"
        _check(array := np.asarray(features), what)
    if ids is None or isinstance(ids, str | os.PathLike):
        given = features if isinstance(features, str | os.PathLike) else None
        ids = read_ids(ids, given)
    elif not isinstance(ids, Iterable):
        raise BadValue(f"{option('ids')} must be names, not {checks.shown(ids)}")
    ids = list(ids)
    if len(ids) != len(array):
        raise ShapeMismatch(f"{what} has {len(array)} rows but {len(ids)} ids")
    names = None if labels is None else labels_of(labels, ids)
    if out is None:
        checks.unused(f"with {option('out')}", overwrite=overwrite)
        return MemoryStore(
            *(np.asarray(array), ids),
            labels=names,
            root=root,
            extractor=extractor,
            name=source,
        )
    facts: dict[str, Any] = {
        "dim": array.shape[1],
        "extractor": {"name": extractor},
        "root": root,
        "source": source,
        "rows_per_shard": rows_per_shard,
    }
    facts["content"] = _sha256(array, names, rows_per_shard)
    manifest = plan.new_manifest(ids, transform=None, **facts)
    if plan.work_of(manifest).state(out, overwrite) is State.COMPLETE:
        log(f"{out} is complete already, from the same inputs: nothing to do")
        return FeatureStore.open(out)
    with plan.new_store(out, manifest, overwrite=True) as folder:
        writer = FeatureStoreWriter.prepare(folder, ids, labels=names, **facts)
        for index in writer.missing_shards():
            start, stop = writer.shard_range(index)
            writer.write_shard(index, np.array(array[start:stop]))
        writer.finish()
    return FeatureStore.open(out)


def _sha256(
    array: np.ndarray | Rows, labels: Sequence[str | None] | None, rows: int
) -> str:
    """Hashes features and labels, some rows at a time: a file may be large."""
    named = None if labels is None else list(labels)
    facts = [str(array.dtype), array.shape, named]
    found = hashlib.sha256(json.dumps(facts).encode())
    for start in range(0, len(array), rows):
        found.update(np.ascontiguousarray(array[start : start + rows]).tobytes())
    return found.hexdigest()


def _check(array: np.ndarray, source: str) -> None:
    if (
        not isinstance(array, np.ndarray)
        or array.ndim != 2
        or array.shape[1] == 0
        or not np.issubdtype(array.dtype, np.floating)
    ):
        raise ShapeMismatch(f"{source} must hold floats of shape (rows, dim)")
