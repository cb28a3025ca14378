"""A store under an address, added to.

What is to be added is planned apart, and the store stays as it is until that is there::

    STORE/.next/TAG/record.json     of what is added, by whoever is first; TAG: of the
                                    record of what it is added to
    STORE/.next/TAG/ids.txt         of all rows, as the other two
    STORE/.next/TAG/labels.npy
    STORE/.next/TAG/manifest.json   it stands there: all of the plan does

Shards are numbered on. Who is last writes ids, labels, quarantine and manifest, and
then the record: from the first of these on to the last the store is no whole one.
"""

import contextlib
import dataclasses
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...runs import RECORD, Record, Work, check_version, describe_files, verify
from ...runs.differences import differences
from ...utils.errors import UserError, option
from ...utils.families import FileDamaged, OutForeign, OutTaken, Unfinished
from ...utils.remote import files, writing
from .. import layout, plan
from ..writer import FeatureStoreWriter
from .place import (
    NEXT,
    as_bytes,
    ids_at,
    record_at,
    sweep,
    tagged_record_at,
)

# Times that it is planned anew, where others have added something meanwhile.
_TRIES = 5


def check_kind(address: str, record: Record, work: Work) -> None:
    """Refuses an address that holds another result, or a newer version's."""
    if record.kind != work.kind:
        raise OutForeign(
            f"{address} holds a {record.kind}, not {work.what}: name another address"
        )
    check_version(record.version, work.version, address)


def taken(address: str, different: Sequence[str]) -> UserError:
    """Returns what refuses an address with a store of other inputs."""
    return OutTaken(
        f"{address} exists and was not made from the same inputs "
        f"({', '.join(different)}): name another address, or replace it with "
        + option("overwrite")
    )


def grow_at(
    address: str, planner: FeatureStoreWriter, labels: Sequence[str | None] | None
) -> None:
    """Plans what a complete store at an address lacks, unless another process has.

    Args:
        address: A folder of it.
        planner: Of a store of the images that are listed now.
        labels: Of these images.

    Raises:
        UserError: The store is of another extractor, or of other images' folder; or
            others are being added.
    """
    writing.check_exclusive(address)
    for _ in range(_TRIES):
        # Listed first: what is not of the record that is read then, is over.
        there = writing.listed(address)
        record, tag = tagged_record_at(address)
        if record is None or not record.complete:
            break
        sweep(address, range(len(_shards(record.files))), tag, there)
        work = plan.work_of(planner.manifest)
        inputs = {**work.inputs, plan.IMAGES: record.inputs[plan.IMAGES]}
        if different := differences(record.inputs, inputs, work.words):
            raise taken(address, different)
        place = f"{address}/{NEXT}/{tag}"
        with contextlib.suppress(FileNotFoundError):  # added just now
            if f"{NEXT}/{tag}/{layout.MANIFEST}" in there:
                if {*planner.image_ids} - {*ids_at(place)}:
                    raise _others(address)
                return
            with tempfile.TemporaryDirectory(prefix="mmtaskssl-") as folder:
                made = Path(folder, "store")
                if _is_planned(made, address, record, tag, planner.image_ids, labels):
                    return
    raise _others(address)


def _is_planned(
    folder: Path,
    address: str,
    record: Record,
    tag: str,
    image_ids: list[str],
    labels: Sequence[str | None] | None,
) -> bool:
    """Plans it in a folder, then at the address; False: another was faster there."""
    place = f"{address}/{NEXT}/{tag}"
    try:
        before, after = _planned_in(folder, address, record, image_ids, labels)
    except FileDamaged:
        if tagged_record_at(address)[1] != tag:
            return False
        raise
    if before == after:  # nothing is new
        return True
    mine = Record.read(folder)
    assert mine is not None
    content = as_bytes(dataclasses.replace(mine, files=_shards(record.files)))
    writing.create(f"{place}/{RECORD}", content)  # by whoever is first
    begun = record_at(place)
    if tagged_record_at(address)[1] != tag:
        writing.remove(f"{place}/{RECORD}")
        return False
    if begun is None or begun.inputs != mine.inputs:
        raise _others(address)
    if before["rows"] == after["rows"]:  # what was removed comes back
        about = describe_files(folder, [layout.MANIFEST])
        record = dataclasses.replace(record, files={**record.files, **about})
        manifest = (folder / layout.MANIFEST).read_bytes()
        writing.put(f"{address}/{layout.MANIFEST}", manifest)
        writing.put(f"{address}/{RECORD}", as_bytes(record))
        writing.remove(f"{place}/{RECORD}")
        return True
    for name in (layout.IDS, layout.LABELS, layout.MANIFEST):
        if (folder / name).exists():
            writing.create(f"{place}/{name}", (folder / name).read_bytes())
    return True


def _planned_in(
    folder: Path,
    address: str,
    record: Record,
    image_ids: list[str],
    labels: Sequence[str | None] | None,
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Plans it in a folder; returns the manifest that was, and that is to be."""
    folder.mkdir()
    names = [name for name in record.files if not name.startswith("shard-")]
    for name in names:
        (folder / name).write_bytes(files.read(f"{address}/{name}"))
    (folder / RECORD).write_bytes(as_bytes(record))
    verify(folder, names)
    before = layout.read_manifest(folder)
    writer = FeatureStoreWriter(folder)
    writer.plan_more(image_ids, labels, _shards(record.files))
    return before, layout.read_manifest(folder)


def _shards(listed: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {name: one for name, one in listed.items() if name.startswith("shard-")}


def _others(address: str) -> UserError:
    return Unfinished(
        f"other images are being added to {address}: let that command end, or run it "
        "again if it was interrupted, and then this one"
    )
