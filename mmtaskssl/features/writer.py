"""Writes a feature store, shard by shard, by one process or many."""

import functools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..runs import Record, State, alone, filled, remove_litter, resolved, writing
from ..utils.atomic import atomic_path
from ..utils.errors import UserError
from ..utils.families import BadValue, OutForeign, ShapeMismatch, Unfinished
from . import layout, litter, plan
from .rows import unit_rows
from .sound import sound_shards


class FeatureStoreWriter:
    """The write half of a feature store.

    One process makes or reopens the store with `prepare`; then every one opens it with
    ``FeatureStoreWriter(path)``, writes its share of `missing_shards`, and one calls
    `finish` when all are done. Nothing in the folder depends on the number of
    processes or on how often the work was interrupted.

    Args:
        path: A prepared store.

    Raises:
        UserError: ``path`` is no feature store.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        self.manifest = layout.read_manifest(self.path)
        self.starts = layout.shard_starts(self.manifest)

    @classmethod
    def prepare(
        cls,
        path: str | os.PathLike,
        image_ids: Sequence[str],
        *,
        dim: int,
        extractor: Mapping[str, Any],
        transform: Mapping[str, Any] | None = None,
        root: str = "",
        source: str = "",
        labels: Sequence[str | None] | None = None,
        rows_per_shard: int = layout.ROWS_PER_SHARD,
        append: bool = False,
        overwrite: bool = False,
        content: str | None = None,
    ) -> "FeatureStoreWriter":
        """Makes a store without features, or reopens one to continue it.

        Args:
            path: The store's folder; made if absent.
            image_ids: Unique ids in row order.
            dim: Features a row.
            extractor: JSON-ready description that tells one extractor from another
                (architecture, weights' hash, ...).
            transform: The same for the image transform.
            root: Folder the image ids are relative to.
            source: What the user named as the source of the images.
            labels: Class name of each image, None where unknown.
            rows_per_shard: Rows of each shard but the last one. An existing store
                keeps its own.
            append: Adds the ids that an existing store lacks as new shards behind
                its old ones, which stay as they are.
            overwrite: Removes an existing store first.
            content: Hash of features that are not computed here.

        Raises:
            UserError: ``image_ids`` are empty, repeated or hold a line break; the
                folder holds something else, or a store of another extractor,
                transform, or image list.
        """
        path = Path(path)
        image_ids = list(image_ids)
        plan.check_ids(image_ids)
        if rows_per_shard < 1:
            raise BadValue(f"rows per shard must be at least 1, got {rows_per_shard}")
        if labels is not None and len(labels) != len(image_ids):
            raise ShapeMismatch(f"{len(image_ids)} images but {len(labels)} labels")
        manifest = plan.new_manifest(
            image_ids,
            dim=dim,
            extractor=extractor,
            transform=transform,
            root=root,
            source=source,
            rows_per_shard=rows_per_shard,
            content=content,
        )
        if overwrite:
            plan.work_of(manifest).clear(path)
        with alone(path):
            if (path / layout.MANIFEST).exists():
                cls(path)._reopen(manifest, image_ids, labels, append)
                return cls(path)
            try:
                work = plan.work_of(manifest)
                empty = work.state(path) is State.EMPTY
            except UserError as error:
                raise OutForeign(
                    f"{path} exists and is not a feature store: name another folder"
                ) from error
            if not empty:  # killed while the plan was moved there
                work.describe(path, False).write(path)
            real = resolved(path)
            remove_litter(real)
            with filled(real) as folder:
                plan.write_plan(folder, manifest, image_ids, labels)
                plan.work_of(manifest).describe(folder, False).write(folder)
        return cls(path)

    def _reopen(
        self,
        wanted: Mapping[str, Any],
        image_ids: list[str],
        labels: Sequence[str | None] | None,
        append: bool,
    ) -> None:
        """Continues what is there, or refuses to; the store's lock is held."""
        record = Record.read(self.path)
        if record is not None and record.complete:
            litter.remove_stray_parts(self.path)
        if append:
            known = self.manifest if record is None else record.inputs
            wanted = {**wanted, plan.IMAGES: known[plan.IMAGES]}
        plan.work_of(wanted).state(self.path)
        for name in (layout.IDS, layout.LABELS, layout.MANIFEST):
            litter.remove_litter(self.path, name)
        kept = sound_shards(self.path, self.manifest, record)
        # The record goes first: one that is ahead tells of an append that was killed.
        if append or self.manifest[plan.IMAGES] != wanted[plan.IMAGES]:
            self.plan_more(image_ids, labels, kept)
            return
        plan.work_of(self.manifest).describe(self.path, False, kept).write(self.path)
        if not (self.path / layout.IDS).exists():
            plan.write_ids(self.path, image_ids)
        if labels is None and not (self.path / layout.LABELS).exists():
            self.manifest["class_names"] = None
        elif labels is not None:
            plan.write_labels(self.path, self.manifest, labels)
        layout.write_json(self.path / layout.MANIFEST, self.manifest)

    def plan_more(
        self,
        image_ids: list[str],
        labels: Sequence[str | None] | None,
        kept: Mapping[str, Mapping[str, Any]],
    ) -> None:
        """Plans what is listed and not there; ``kept``: of shards, see `Record`."""
        old_ids, manifest = self.image_ids, self.manifest
        known = set(old_ids)
        new = [i for i, image in enumerate(image_ids) if image not in known]
        new_ids = [image_ids[i] for i in new]
        manifest[plan.IMAGES] = layout.ids_sha256([*old_ids, *new_ids])
        plan.work_of(manifest).describe(self.path, False, kept).write(self.path)
        plan.take_back(self.path, manifest, old_ids, {*image_ids})
        if not new:
            return
        names = manifest["class_names"]
        if labels is not None or names is not None:
            old_labels = [None] * len(old_ids)
            if names is not None:
                rows = layout.read_labels(self.path)[: len(old_ids)]
                old_labels = [names[i] if i >= 0 else None for i in rows.tolist()]
            new_labels = [None if labels is None else labels[i] for i in new]
            labels = old_labels + new_labels
        manifest["status"] = "incomplete"
        plan.write_plan(self.path, manifest, new_ids, labels, old_ids)
        # The new shards are listed before any is there.
        plan.work_of(manifest).describe(self.path, False, kept).write(self.path)

    @functools.cached_property
    def image_ids(self) -> list[str]:
        """One id a row."""
        return layout.read_ids(self.path, self.manifest)

    @property
    def num_shards(self) -> int:
        """Shards of the whole store."""
        return len(self.starts) - 1

    def shard_range(self, index: int) -> tuple[int, int]:
        """Returns the rows ``[start, stop)`` of one shard."""
        return int(self.starts[index]), int(self.starts[index + 1])

    def has_shard(self, index: int) -> bool:
        """Whether a shard is written."""
        return layout.shard_path(self.path, index).exists()

    def missing_shards(self) -> list[int]:
        """Returns the shards that no run has finished yet."""
        return [i for i in range(self.num_shards) if not self.has_shard(i)]

    def write_shard(
        self,
        index: int,
        features: np.ndarray,
        broken: Mapping[int, str] | None = None,
    ) -> None:
        """Normalises and writes one shard; it appears complete or not at all.

        Rows with a value that is not finite, or of length zero, are quarantined.

        Args:
            index: The shard.
            features: (rows, dim) floats, any scale.
            broken: Rows of the shard (0: its first) that have no feature because
                their image could not be read, and why.

        Raises:
            UserError: Wrong shape, or no space left on the disk.
        """
        start, stop = self.shard_range(index)
        shape = (stop - start, self.manifest["dim"])
        if features.shape != shape:
            raise ShapeMismatch(
                f"shard {index} needs features {shape}, got {features.shape}"
            )
        units, bad = unit_rows(np.asarray(features), broken or {}, np.float16)
        self.write_unit_shard(index, units, bad)

    def write_unit_shard(
        self, index: int, units: np.ndarray, bad: Mapping[int, str]
    ) -> None:
        """Writes a shard of rows that are normalised already, bit for bit.

        Args:
            index: The shard.
            units: (rows, dim) float16, of length 1 or 0.
            bad: Rows of length 0 and why, by row of the shard.

        Raises:
            UserError: No space left on the disk.
        """
        start, _ = self.shard_range(index)
        with writing(self.path):
            # Before the shard, whose presence says that all of it is written.
            bad_path = layout.shard_bad_path(self.path, index)
            if bad:
                rows = [[start + row, bad[row]] for row in sorted(bad)]
                layout.write_json(bad_path, rows)
            else:  # a killed run may have seen the images in a worse state
                bad_path.unlink(missing_ok=True)
            with (
                atomic_path(layout.shard_path(self.path, index)) as temporary,
                open(temporary, "wb") as file,
            ):
                np.save(file, units)

    def finish(self) -> None:
        """Marks the store complete, and writes its checksums down.

        Raises:
            UserError: A shard is missing, or the store has grown meanwhile.
        """
        with alone(self.path):
            self._finish()

    def _finish(self) -> None:
        if layout.read_manifest(self.path)[plan.IMAGES] != self.manifest[plan.IMAGES]:
            raise Unfinished(
                f"another process added images to {self.path}: run the extraction again"
            )
        missing = self.missing_shards()
        if missing:
            raise Unfinished(
                f"{self.path} lacks {len(missing)} of {self.num_shards} shards: run "
                "the extraction again"
            )
        record = Record.read(self.path)
        if record is not None and record.complete:
            return
        quarantine = layout.read_quarantine(self.path)
        known = {entry["row"] for entry in quarantine}
        shards = range(self.num_shards)
        parts = [layout.shard_bad_path(self.path, index) for index in shards]
        parts = [part for part in parts if part.is_file()]
        for part in parts:
            for row, reason in layout.read_rows(part):
                if row not in known:
                    image = self.image_ids[row]
                    quarantine.append({"row": row, "image": image, "reason": reason})
        quarantine.sort(key=lambda entry: entry["row"])
        layout.write_json(self.path / layout.QUARANTINE, quarantine)
        self.manifest["status"] = "complete"
        layout.write_json(self.path / layout.MANIFEST, self.manifest)
        for part in parts:
            part.unlink()
        litter.remove_shard_litter(self.path)
        work = plan.work_of(self.manifest)
        hashes = record.files if record else {}
        work.describe(self.path, True, hashes, work.files).write(self.path)
