"""Makes an index of a feature store, part by part, in bounded memory."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...features.fingerprint import shard_digests
from ...features.sources import StoreLike, open_stores
from ...features.store import FeatureStore
from ...runs import Growing, Record, State
from ...utils import checks
from ...utils.atomic import atomic_path
from ...utils.budgets import count_bytes
from ...utils.hashing import file_sha256
from ..bounds import plan_index
from . import files
from .codes import BOOK_ROWS, Coder, faiss
from .index import SearchIndex
from .planned import groups, known_index, new_manifest, parts_to_make, sample_rows

Log = Callable[[str], None]
ProgressFactory = Callable[[str, int], Callable[[int], None]]


def build_index(
    pool: StoreLike,
    folder: str | os.PathLike,
    *,
    lists: int | None = None,
    code_bytes: int | None = None,
    seed: int = 0,
    memory: int | str | None = None,
    log: Log | None = None,
    progress: ProgressFactory | None = None,
) -> SearchIndex:
    """Makes an index for approximate search, or brings one up to date.

    Of a store that was appended to, only the new shards are put into it; removed images
    are left out when it is searched. A call that was interrupted goes on after the
    last part that it finished.

    Args:
        pool: Features: a store, or its folder.
        folder: Where the index lies, or is made.
        lists: Lists that rows are divided among; None: four times the root of the rows.
        code_bytes: Bytes of a row's code; None: one for eight features.
        seed: Of the sample that it is fitted on.
        memory: Bytes that it may hold, or "2GiB"; None: what a usual sample takes.
        log: Takes a line on the work to come.
        progress: Makes, from a title and the rows, a function that is told how many
            are done.

    Raises:
        UserError: faiss is absent, the folder holds something else or an index of other
            features, or the memory does not suffice.
    """
    checks.path_like("folder", folder)
    checks.whole("lists", lists, none=True)
    checks.whole("code_bytes", code_bytes, 1, 4096, none=True)
    checks.seed(seed)
    checks.function("log", log, none=True)
    checks.function("progress", progress, none=True)
    memory = None if memory is None else count_bytes("memory", memory)
    faiss()
    (store,) = open_stores([pool], None)
    place = Path(folder).expanduser()
    digests = shard_digests(store)
    manifest = known_index(place, store, digests, lists, code_bytes)
    if manifest is None:
        manifest = new_manifest(store, lists, code_bytes, seed)
        work = files.work_of(files.inputs_of(manifest))
        # What was begun and has no manifest holds nothing yet.
        if work.state(place, overwrite=True) is State.REPLACE:
            work.clear(place)
    else:
        work = files.work_of(files.inputs_of(manifest))
        record = Record.read(place)
        known = sum(len(part["shards"]) for part in manifest["parts"])
        if record is not None and record.complete and known == len(digests):
            return SearchIndex.open(place)
    if log:
        log(
            f"index    {place}: {manifest['lists']:,} lists, "
            f"{manifest['code_bytes']} bytes a row"
        )
    with work.growing(place) as growing:
        _grow(growing, manifest, store, digests, memory, progress)
        growing.finish()
    return SearchIndex.open(place)


def _grow(
    growing: Growing,
    manifest: dict[str, Any],
    pool: FeatureStore,
    digests: Sequence[str],
    memory: int | None,
    progress: ProgressFactory | None,
) -> None:
    """Adds what is missing; the manifest names a file once it is whole."""
    folder = growing.path
    _drop_damaged(folder, manifest)
    rows, step = plan_index(
        *(pool.dim, manifest["lists"], manifest["code_bytes"] + 4),
        rows=len(pool),
        part_rows=max(parts_to_make(manifest, pool), default=0),
        sample=sample_rows(pool, manifest["lists"]),
        books=BOOK_ROWS,
        memory=memory,
    )
    if not manifest["files"]:
        coder = _fitted(pool, manifest, rows)
        arrays = (
            *(coder.lists.groups, coder.lists.sizes, coder.lists.centroids),
            *(coder.rotation, coder.books),
        )
        for name, array in zip(files.ARRAYS, arrays, strict=True):
            _write(growing, manifest, name, array)
        files.write_manifest(folder, manifest)
    coder = files.read_coder(folder, manifest)
    done = sum(part["rows"] for part in manifest["parts"])
    tell = progress and progress("index", len(pool))
    known = sum(len(part["shards"]) for part in manifest["parts"])
    shard_rows = pool.manifest["shard_rows"]
    for shards in groups(shard_rows, known):
        number = len(manifest["parts"])
        codes = np.empty((sum(shard_rows[i] for i in shards), coder.width), np.uint8)
        begin = 0
        while begin < len(codes):
            some = np.arange(done + begin, done + min(begin + step, len(codes)))
            codes[begin : begin + len(some)] = coder.codes(pool.read(some))
            begin += len(some)
            if tell:
                tell(done + begin)
        name = files.part_name(number)
        _write(growing, manifest, name, codes)
        manifest["parts"].append(
            {
                "file": name,
                "rows": len(codes),
                "shards": [digests[index] for index in shards],
            }
        )
        files.write_manifest(folder, manifest)
        done += len(codes)


def _fitted(pool: FeatureStore, manifest: dict[str, Any], rows: int) -> Coder:
    """Fits an index to a drawn sample of a store."""
    usable: np.ndarray = np.ones(len(pool), bool)
    usable[pool.bad_rows] = False
    rng = np.random.default_rng(manifest["seed"])
    drawn = np.flatnonzero(usable)
    if len(drawn) > rows:
        drawn = np.sort(rng.choice(drawn, rows, replace=False, shuffle=False))
    features = pool.read(drawn)
    return Coder.fitted(
        *(features, manifest["lists"], manifest["code_bytes"], manifest["seed"])
    )


def _drop_damaged(folder: Path, manifest: dict[str, Any]) -> None:
    """Forgets what an interrupted build wrote, from the first damaged file on."""
    sound = {
        name
        for name, digest in manifest["files"].items()
        if (folder / name).is_file() and file_sha256(folder / name) == digest
    }
    if not {*files.ARRAYS} <= sound:
        manifest |= {"files": {}, "parts": []}
        return
    for number, part in enumerate(manifest["parts"]):
        if part["file"] not in sound:
            del manifest["parts"][number:]
            return


def _write(
    growing: Growing, manifest: dict[str, Any], name: str, array: np.ndarray
) -> None:
    growing.claim(name)
    with atomic_path(growing.path / name) as temporary:
        with open(temporary, "wb") as file:
            np.save(file, array)
        manifest["files"][name] = file_sha256(temporary)
