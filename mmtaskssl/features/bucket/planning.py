"""What a store under an address is to hold: planned by whoever is first."""

import contextlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...runs import RECORD, Record
from ...runs.differences import differences
from ...utils.families import OutForeign
from ...utils.inputs import parse_json
from ...utils.remote import files, writing
from .. import layout, plan
from ..writer import FeatureStoreWriter
from .growing import check_kind, grow_at, taken
from .place import is_passing, record_at
from .replacing import clear_at


def prepare_at(
    address: str,
    image_ids: Sequence[str],
    append: bool = False,
    overwrite: bool = False,
    **planned: Any,
) -> None:
    """Makes a store without features at an address, unless another process has.

    Args:
        address: A folder of it.
        image_ids: See `FeatureStoreWriter.prepare`.
        append: Plan what a complete store lacks, see `grow_at`.
        overwrite: Remove another store first, see `clear_at`; what was begun of this
            one goes on.
        **planned: See `FeatureStoreWriter.prepare`.

    Raises:
        UserError: See there; or the address cannot be shared, see `check_exclusive`.
    """
    record = record_at(address)
    if record is None or not record.complete:
        writing.check_exclusive(address)
    with tempfile.TemporaryDirectory(prefix="mmtaskssl-") as place:
        folder = Path(place, "store")
        planner = FeatureStoreWriter.prepare(folder, image_ids, **planned)
        work = plan.work_of(planner.manifest)
        if overwrite and record is not None and not _goes_on(address, folder, record):
            clear_at(address, work)
            record = record_at(address)
        if record is None:
            inside = [n for n in writing.listed(address) if not is_passing(n)]
            content = (folder / RECORD).read_bytes()
            if inside and RECORD not in inside:
                raise OutForeign(
                    f"{address} holds {min(inside)!r}, which is no part of a feature "
                    "store: name another address"
                )
            writing.create(f"{address}/{RECORD}", content)  # by whoever is first
            record = record_at(address)
        assert record is not None
        check_kind(address, record, work)
        if append and record.complete:
            grow_at(address, planner, planned.get("labels"))
            return
        different = differences(record.inputs, work.inputs, work.words)
        if not different and not record.complete:
            labels = (
                (folder / layout.LABELS).read_bytes() if planned.get("labels") else b""
            )
            for name in (layout.IDS, layout.LABELS, layout.MANIFEST):
                if (folder / name).exists():
                    writing.create(f"{address}/{name}", (folder / name).read_bytes())
            different = [] if _has_labels(address, labels) else ["other labels"]
        if different:
            raise taken(address, different)


def _goes_on(address: str, folder: Path, record: Record) -> bool:
    """Whether a store was begun as a folder has it planned."""
    wanted = Record.read(folder)
    if record.complete or wanted is None or record.inputs != wanted.inputs:
        return False
    labels = folder / layout.LABELS
    with contextlib.suppress(FileNotFoundError):  # who began it has come no further
        return _has_labels(address, labels.read_bytes() if labels.exists() else b"")
    return True


def _has_labels(address: str, labels: bytes) -> bool:
    manifest = parse_json(files.read(f"{address}/{layout.MANIFEST}").decode())
    if manifest["class_names"] is None:
        return not labels
    return files.read(f"{address}/{layout.LABELS}") == labels
