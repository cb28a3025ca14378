"""Writes a feature store to an address, shard by shard, by one process or many."""

import contextlib
import dataclasses
import json
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from ...runs import RECORD, as_read, describe_files
from ...utils.errors import UserError, option
from ...utils.families import FileDamaged, Unfinished
from ...utils.hashing import lines_sha256
from ...utils.inputs import parse_json
from ...utils.remote import files, writing
from .. import layout, plan
from ..writer import FeatureStoreWriter
from .claims import BucketClaims
from .place import NEXT, PARTS, ids_at, record_at, sweep, tagged_record_at

_THREADS = 16
# Times that a plan is fetched which goes meanwhile.
_TRIES = 3


class BucketWriter(FeatureStoreWriter):
    """The write half of a feature store under an address.

    It has a folder of its own, where what it writes is made; nothing in it has to last.

    Args:
        address: Of a store that `prepare_at` has made.
        folder: Empty; see above.
        growing: Whether it is what is being added that is written, if anything is.

    Raises:
        UserError: There is no store, or it cannot be reached.
    """

    def __init__(self, address: str, folder: Path, growing: bool = False) -> None:
        self.address = address
        self._seen: tuple[float, frozenset[int]] = (-np.inf, frozenset())
        folder.mkdir(exist_ok=True)
        for left in reversed(range(_TRIES)):
            try:
                self._fetch(folder, growing)
                break
            except FileNotFoundError as error:  # it was added, or replaced, just now
                if not left:
                    raise _replaced(address) from error
        super().__init__(folder)
        self._inputs = as_read(plan.work_of(self.manifest).inputs)
        self._of = lines_sha256([json.dumps(self._inputs, sort_keys=True)])
        self._tag = self._tag_now()

    def _fetch(self, folder: Path, growing: bool) -> None:
        """Fetches the plan."""
        # What is being added is planned apart, see `growing`; "": nothing is.
        self._base, self._kept = "", dict[str, Mapping[str, Any]]()
        if growing:
            tag = tagged_record_at(self.address)[1]
            begun = record_at(f"{self.address}/{NEXT}/{tag}")
            if begun is not None:
                self._base, self._kept = tag, dict(begun.files)
        inner = f"{NEXT}/{self._base}" if self._base else ""
        self._place = f"{self.address}/{inner}".rstrip("/")
        for name in (layout.MANIFEST, layout.IDS):
            (folder / name).write_bytes(files.read(f"{self._place}/{name}"))
        if layout.read_manifest(folder)["class_names"] is not None:
            labels = files.read(f"{self._place}/{layout.LABELS}")
            (folder / layout.LABELS).write_bytes(labels)

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
        written = {int(number) for number in numbers if number.isdecimal()}
        done = {i for i in range(self.num_shards) if self._is_old(i) or i in written}
        # Parts go when the store is complete: the record is looked at after them.
        if len(done) < self.num_shards and self._is_complete():
            done = {*range(self.num_shards)}
        self._seen = now, frozenset(done)

    def _is_old(self, index: int) -> bool:
        return layout.shard_path(Path(), index).name in self._kept

    def _is_complete(self) -> bool:
        record, tag = tagged_record_at(self.address)
        if self._base:  # of which there is but one addition
            return tag != self._base
        return record is not None and record.complete

    def write_unit_shard(
        self, index: int, units: np.ndarray, bad: Mapping[int, str]
    ) -> None:
        """See `FeatureStoreWriter`."""
        start, _ = self.shard_range(index)
        self._check_plan()
        super().write_unit_shard(index, units, bad)
        path = layout.shard_path(self.path, index)
        writing.put(f"{self.address}/{path.name}", path.read_bytes())
        about = describe_files(self.path, [path.name])[path.name]
        about["of"] = self._of
        about["bad"] = [[start + row, bad[row]] for row in sorted(bad)]
        # Behind the shard: it says that all of it is written.
        writing.put(self._part(index), json.dumps(about).encode())
        path.unlink()

    def _check_plan(self) -> None:
        """Refuses to go on where another store was planned in this one's place."""
        if (tag := self._tag_now()) == self._tag:
            return
        record = record_at(self._place)
        if record is None or record.inputs != self._inputs:
            raise _replaced(self.address)
        self._tag = tag

    def _tag_now(self) -> str:
        try:
            return files.stat(f"{self._place}/{RECORD}", fresh=True).tag
        except FileNotFoundError:
            return ""

    def _part(self, index: int) -> str:
        return f"{self.address}/{PARTS}/shard-{index:05d}.json"

    def finish(self) -> None:
        """Marks the store complete, with the checksums that its shards came with.

        Raises:
            UserError: A shard is missing.
        """
        if self._is_complete():
            self._check_added()
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
                self._check_added()
                return
            raise FileDamaged(
                f"{self.address} was changed while it was filled ({error}): run the "
                "extraction again"
            ) from error
        self._write_ends(parts)
        new = {index for index in range(self.num_shards) if not self._is_old(index)}
        sweep(self.address, new, tagged_record_at(self.address)[1])

    def _check_added(self) -> None:
        """Refuses an end by others that has not all that was to be added."""
        record = record_at(self.address)
        if not self._base or (record is not None and record.inputs == self._inputs):
            return
        with contextlib.suppress(FileNotFoundError):
            if not {*self.image_ids} - {*ids_at(self.address)}:
                return
        raise _replaced(self.address)

    def _read_parts(self) -> dict[int, Mapping[str, Any]]:
        known = writing.listed(self.address)

        def read(index: int) -> Mapping[str, Any]:
            name = layout.shard_path(Path(), index).name
            about: dict[str, Any] = parse_json(files.read(self._part(index)).decode())
            if about.get("of", self._of) != self._of:
                raise _replaced(self.address)
            if name not in known or known[name].size != about["bytes"]:
                raise FileDamaged(
                    f"{self.address}/{name} is not what was written there: remove it "
                    f"and {self._part(index)}, and run the extraction again"
                )
            return about

        new = [index for index in range(self.num_shards) if not self._is_old(index)]
        with ThreadPoolExecutor(_THREADS) as pool:
            return dict(zip(new, pool.map(read, new), strict=True))

    def _write_ends(self, parts: Mapping[int, Mapping[str, Any]]) -> None:
        """Writes what stands in a complete store alone, the record last."""
        quarantine = self._old_quarantine() + [
            {"row": row, "image": self.image_ids[row], "reason": reason}
            for part in parts.values()
            for row, reason in part["bad"]
        ]
        self.manifest["status"] = "complete"
        layout.write_json(self.path / layout.QUARANTINE, quarantine)
        layout.write_json(self.path / layout.MANIFEST, self.manifest)
        names = [layout.MANIFEST, layout.IDS, layout.QUARANTINE]
        if self.manifest["class_names"] is not None:
            names.append(layout.LABELS)
        shards = {
            layout.shard_path(Path(), index).name: {
                key: part[key] for key in ("bytes", "sha256")
            }
            for index, part in parts.items()
        }
        known = {**describe_files(self.path, names), **self._kept, **shards}
        listed = dict(sorted(known.items()))
        begun = plan.work_of(self.manifest).describe(self.path, False)
        done = dataclasses.replace(begun, complete=True, files=listed, begun=[])
        done.write(self.path)
        last = [layout.QUARANTINE, layout.MANIFEST, RECORD]
        # What a store begins with stands there already; of a larger one it is new.
        first = [name for name in names if name not in last] if self._base else []
        if self._base and self._is_complete():  # by another process, since
            return
        for name in (*first, *last):
            writing.put(f"{self.address}/{name}", (self.path / name).read_bytes())

    def _old_quarantine(self) -> list[dict[str, Any]]:
        """Returns the bad rows of a store that is added to."""
        if not self._kept:
            return []
        content = files.read(f"{self.address}/{layout.QUARANTINE}")
        (self.path / layout.QUARANTINE).write_bytes(content)
        end = self.starts[len(self._kept)]
        found = layout.read_quarantine(self.path)
        return [entry for entry in found if entry["row"] < end]


def _replaced(address: str) -> UserError:
    return FileDamaged(
        f"{address} was replaced while it was filled, by a command with another "
        "network or other images: run that one again, or this one with "
        + option("overwrite")
    )
