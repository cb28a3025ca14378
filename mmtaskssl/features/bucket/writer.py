"""Writes a feature store to an address, shard by shard, by one process or many."""

import dataclasses
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from ...runs import RECORD, Record, check_version, describe_files
from ...runs.differences import differences
from ...utils.errors import UserError, option
from ...utils.families import (
    FileDamaged,
    OptionConflict,
    OutForeign,
    OutTaken,
    Unfinished,
)
from ...utils.inputs import parse_json
from ...utils.remote import files, writing
from .. import layout, plan
from ..writer import FeatureStoreWriter
from .claims import CLAIMS, BucketClaims

PARTS = ".parts"
_TRIAL = ".trial-"
_THREADS = 16


class BucketWriter(FeatureStoreWriter):
    """The write half of a feature store under an address.

    It has a folder of its own, where what it writes is made; nothing in it has to last.

    Args:
        address: Of a store that `prepare_at` has made.
        folder: Empty; see above.

    Raises:
        UserError: There is no store, or it cannot be reached.
    """

    def __init__(self, address: str, folder: Path) -> None:
        self.address = address
        self._seen: tuple[float, frozenset[int]] = (-np.inf, frozenset())
        folder.mkdir(exist_ok=True)
        for name in (layout.MANIFEST, layout.IDS):
            (folder / name).write_bytes(files.read(f"{address}/{name}"))
        super().__init__(folder)

    def is_written(self, index: int, age: float = 0.0) -> bool:
        """Whether a shard was, as far as is known since so many seconds."""
        if index in self._seen[1]:
            return True
        if time.monotonic() - self._seen[0] >= age:
            self._look()
        return index in self._seen[1]

    def has_shard(self, index: int) -> bool:
        """See `FeatureStoreWriter`."""
        return self.is_written(index)

    def missing_shards(self) -> list[int]:
        """See `FeatureStoreWriter`."""
        self._look()
        return [i for i in range(self.num_shards) if i not in self._seen[1]]

    def claims(self) -> BucketClaims:
        """Returns the claims of this process."""
        return BucketClaims(self)

    def _look(self) -> None:
        now = time.monotonic()
        found = writing.listed(f"{self.address}/{PARTS}")
        numbers = (name.removeprefix("shard-").removesuffix(".json") for name in found)
        done = {int(number) for number in numbers if number.isdecimal()}
        # Parts go when the store is complete: the record is looked at after them.
        if len(done) < self.num_shards and self._is_complete():
            done = {*range(self.num_shards)}
        self._seen = now, frozenset(done)

    def _is_complete(self) -> bool:
        record = record_at(self.address)
        return record is not None and record.complete

    def write_unit_shard(
        self, index: int, units: np.ndarray, bad: Mapping[int, str]
    ) -> None:
        """See `FeatureStoreWriter`."""
        start, _ = self.shard_range(index)
        super().write_unit_shard(index, units, bad)
        path = layout.shard_path(self.path, index)
        writing.put(f"{self.address}/{path.name}", path.read_bytes())
        about = describe_files(self.path, [path.name])[path.name]
        about["bad"] = [[start + row, bad[row]] for row in sorted(bad)]
        # Behind the shard: it says that all of it is written.
        writing.put(self._part(index), json.dumps(about).encode())
        path.unlink()

    def _part(self, index: int) -> str:
        return f"{self.address}/{PARTS}/shard-{index:05d}.json"

    def finish(self) -> None:
        """Marks the store complete, with the checksums that its shards came with.

        Raises:
            UserError: A shard is missing.
        """
        if self._is_complete():
            return
        if missing := self.missing_shards():
            raise Unfinished(
                f"{self.address} lacks {len(missing)} of {self.num_shards} shards: run "
                "the extraction again"
            )
        try:
            parts = self._read_parts()
        except FileNotFoundError as error:
            if self._is_complete():  # by another process, meanwhile
                return
            raise FileDamaged(
                f"{self.address} was changed while it was filled ({error}): run the "
                "extraction again"
            ) from error
        self._write_ends(parts)
        for inner in writing.listed(self.address):
            if inner.startswith((f"{PARTS}/", f"{CLAIMS}/", _TRIAL)):
                writing.remove(f"{self.address}/{inner}")

    def _read_parts(self) -> list[Mapping[str, Any]]:
        known = writing.listed(self.address)

        def read(index: int) -> Mapping[str, Any]:
            name = layout.shard_path(Path(), index).name
            about: dict[str, Any] = parse_json(files.read(self._part(index)).decode())
            if name not in known or known[name].size != about["bytes"]:
                raise FileDamaged(
                    f"{self.address}/{name} is not what was written there: remove it "
                    f"and {self._part(index)}, and run the extraction again"
                )
            return about

        with ThreadPoolExecutor(_THREADS) as pool:
            return [*pool.map(read, range(self.num_shards))]

    def _write_ends(self, parts: Sequence[Mapping[str, Any]]) -> None:
        """Writes what stands in a complete store alone, the record last."""
        quarantine = [
            {"row": row, "image": self.image_ids[row], "reason": reason}
            for part in parts
            for row, reason in part["bad"]
        ]
        self.manifest["status"] = "complete"
        layout.write_json(self.path / layout.QUARANTINE, quarantine)
        layout.write_json(self.path / layout.MANIFEST, self.manifest)
        names = [layout.MANIFEST, layout.IDS, layout.QUARANTINE]
        if self.manifest["class_names"] is not None:
            labels = files.read(f"{self.address}/{layout.LABELS}")
            (self.path / layout.LABELS).write_bytes(labels)
            names.append(layout.LABELS)
        shards = {
            layout.shard_path(Path(), index).name: {
                key: part[key] for key in ("bytes", "sha256")
            }
            for index, part in enumerate(parts)
        }
        listed = dict(sorted({**describe_files(self.path, names), **shards}.items()))
        begun = plan.work_of(self.manifest).describe(self.path, False)
        done = dataclasses.replace(begun, complete=True, files=listed, begun=[])
        done.write(self.path)
        for name in (layout.QUARANTINE, layout.MANIFEST, RECORD):
            writing.put(f"{self.address}/{name}", (self.path / name).read_bytes())


def prepare_at(address: str, image_ids: Sequence[str], **planned: Any) -> None:
    """Makes a store without features at an address, unless another process has.

    Args:
        address: A folder of it.
        image_ids: See `FeatureStoreWriter.prepare`.
        **planned: See there; not whether it is to be replaced.

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
        if record is None:
            inside = [n for n in writing.listed(address) if not n.startswith(_TRIAL)]
            content = (folder / RECORD).read_bytes()
            if inside and RECORD not in inside:
                raise OutForeign(
                    f"{address} holds {min(inside)!r}, which is no part of a feature "
                    "store: name another address"
                )
            writing.create(f"{address}/{RECORD}", content)  # by whoever is first
            record = record_at(address)
        assert record is not None
        if record.kind != work.kind:
            raise OutForeign(
                f"{address} holds a {record.kind}, not {work.what}: name another "
                "address"
            )
        check_version(record.version, work.version, address)
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
            raise OutTaken(
                f"{address} exists and was not made from the same inputs "
                f"({', '.join(different)}): name another address, or remove it"
            )


def _has_labels(address: str, labels: bytes) -> bool:
    manifest = parse_json(files.read(f"{address}/{layout.MANIFEST}").decode())
    if manifest["class_names"] is None:
        return not labels
    return files.read(f"{address}/{layout.LABELS}") == labels


def record_at(address: str) -> Record | None:
    """Reads the record of an address; None: it has none.

    Raises:
        UserError: It is damaged, or a newer version's.
    """
    try:
        content = files.read(f"{address}/{RECORD}")
    except FileNotFoundError:
        return None
    with tempfile.TemporaryDirectory(prefix="mmtaskssl-") as folder:
        Path(folder, RECORD).write_bytes(content)
        try:
            return Record.read(folder)
        except UserError as error:
            text = str(error).replace(folder, address)
            raise type(error)(text) from error


def refuse_options(**given: bool) -> None:
    """Refuses options of stores in folders.

    Args:
        **given: Whether each is.

    Raises:
        UserError: One is.
    """
    if wrong := next((name for name, value in given.items() if value), None):
        raise OptionConflict(
            "a store under an address is made once, by the processes that are started: "
            f"leave out {option(wrong)}"
        )
