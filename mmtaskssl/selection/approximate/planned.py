"""What an index is to be, or is already: its manifest, and the parts that it lacks."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...features.fingerprint import shard_digests
from ...features.store import FeatureStore
from ...utils import checks
from ...utils.errors import option
from ...utils.families import NoImages, OptionConflict, OutForeign
from . import files
from .codes import BOOK_ROWS, faiss
from .options import Approximate, usual_code_bytes, usual_lists

#: Rows of a part: what an interrupted build loses at most.
PART_ROWS = 2**20
# Rows that a list is fitted on.
_ROWS_A_LIST = 32


def known_index(
    folder: Path,
    pool: FeatureStore,
    digests: Sequence[str],
    lists: int | None = None,
    code_bytes: int | None = None,
) -> dict[str, Any] | None:
    """Returns the manifest of an index that can be searched or gone on with.

    Args:
        folder: Where it lies.
        pool: The store that it has to be of.
        digests: Of the store's shards.
        lists: Wanted; None: any.
        code_bytes: Wanted; None: any.

    Returns:
        None: there is none, or one that was only begun.

    Raises:
        UserError: It is damaged, or of another store, or made otherwise.
    """
    if pool.path.is_dir() and pool.path.resolve() in folder.resolve().parents:
        raise OutForeign(
            f"{folder} lies in the store {pool.path}, which holds its own files alone: "
            "name a folder beside it for the index"
        )
    if not (folder / files.MANIFEST).is_file():
        return None
    manifest = files.read_manifest(folder, complete=False)
    files.check_store(folder, manifest, pool, digests)
    for name, wanted in (("lists", lists), ("code_bytes", code_bytes)):
        if wanted is not None and wanted != manifest[name]:
            raise OptionConflict(
                f"the index in {folder} was made with {option(name)} {manifest[name]}, "
                f"not {wanted}: leave it out, name another folder, or delete this one"
            )
    return manifest


def new_manifest(
    pool: FeatureStore, lists: int | None, code_bytes: int | None, seed: int = 0
) -> dict[str, Any]:
    """Returns the manifest of an index without parts.

    Raises:
        UserError: The pool has fewer rows than lists, or features than bytes.
    """
    usable = len(pool) - len(pool.bad_rows)
    if not usable:
        raise NoImages(f"{pool.path} holds no usable feature to make an index of")
    checks.whole("lists", usual_lists(usable) if lists is None else lists, 1, usable)
    wanted = usual_code_bytes(pool.dim) if code_bytes is None else code_bytes
    checks.whole("code_bytes", wanted, 1, pool.dim)
    # The last byte has features, too.
    width = -(-pool.dim // wanted)
    return {
        "dim": pool.dim,
        "extractor": pool.manifest["extractor"],
        "lists": usual_lists(usable) if lists is None else lists,
        "code_bytes": -(-pool.dim // width),
        "seed": seed,
        "trained_on": len(pool),
        "files": {},
        "parts": [],
    }


def index_inputs(pool: FeatureStore, how: Approximate) -> dict[str, Any]:
    """Returns what an approximate search depends on beside the store; JSON-ready.

    Args:
        pool: The store.
        how: The index, which need not be there, and how it is searched.

    Raises:
        UserError: See `build_index`.
    """
    faiss()
    folder = Path(how.folder).expanduser()
    manifest = known_index(
        folder, pool, shard_digests(pool), how.lists, how.code_bytes
    ) or new_manifest(pool, how.lists, how.code_bytes)
    work = files.work_of(files.inputs_of(manifest))
    work.state(folder, overwrite=True)  # refuses what is somebody else's
    return {
        **files.inputs_of(manifest),
        "probes": how.probes,
        "rerank": how.rerank,
    }


def parts_to_make(manifest: Mapping[str, Any], pool: FeatureStore) -> list[int]:
    """Returns the rows of each part that an index of a store lacks."""
    known = sum(len(part["shards"]) for part in manifest["parts"])
    shard_rows = pool.manifest["shard_rows"]
    return [sum(shard_rows[i] for i in part) for part in groups(shard_rows, known)]


def sample_rows(pool: FeatureStore, lists: int) -> int:
    """Returns how many rows an index is fitted on, if there is the memory."""
    return min(len(pool), max(_ROWS_A_LIST * lists, BOOK_ROWS))


def groups(shard_rows: Sequence[int], first: int) -> list[list[int]]:
    """Puts shards, from one on, together to parts."""
    found: list[list[int]] = []
    room = 0
    for index in range(first, len(shard_rows)):
        if not found or shard_rows[index] > room:
            found.append([])
            room = PART_ROWS
        found[-1].append(index)
        room -= shard_rows[index]
    return found
