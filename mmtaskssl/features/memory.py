"""A feature store that lives in memory."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..utils.families import BadLabels, ShapeMismatch
from . import plan
from .rows import unit_rows
from .store import FeatureStore


class MemoryStore(FeatureStore):
    """Features in memory, wherever a `FeatureStore` is taken.

    Rows are what a store on disk would hold, bit for bit: L2-normalised float16. Rows
    with a value that is not finite, or of length zero, are quarantined.

    Args:
        features: (N, D) floats, any scale.
        image_ids: N unique names.
        labels: Class name of each row, None where unknown.
        root: Folder that the ids are relative to; "" if unknown.
        extractor: What made the features: a name, or a description. Only stores of
            one extractor are compared.
        transform: The same for the image transform.
        broken: Rows whose image could not be read, and why.
        name: Stands for the store in messages and reports.

    Raises:
        UserError: Features, ids and labels do not fit together.
    """

    def __init__(
        self,
        features: np.ndarray,
        image_ids: Sequence[str],
        *,
        labels: Sequence[str | None] | None = None,
        root: str = "",
        extractor: str | Mapping[str, Any] = "imported",
        transform: Mapping[str, Any] | None = None,
        broken: Mapping[int, str] | None = None,
        name: str = "memory",
    ) -> None:
        features = np.asarray(features)
        image_ids = list(image_ids)
        plan.check_ids(image_ids)
        if features.ndim != 2 or 0 in features.shape:
            raise ShapeMismatch(
                f"features must have the shape (rows, dim), got {features.shape}"
            )
        if len(features) != len(image_ids):
            raise ShapeMismatch(
                f"{len(features)} features but {len(image_ids)} image ids"
            )
        if labels is not None and len(labels) != len(image_ids):
            raise ShapeMismatch(f"{len(image_ids)} images but {len(labels)} labels")
        if isinstance(labels, str | bytes):
            raise BadLabels(f"labels must be a name for each image, not {labels!r}")
        if isinstance(extractor, str):
            extractor = {"name": extractor}
        self._rows, bad = unit_rows(features, broken or {}, np.float16)
        self._rows.setflags(write=False)
        manifest = plan.new_manifest(
            image_ids,
            dim=features.shape[1],
            extractor=extractor,
            transform=transform,
            root=root,
            source=name,
            rows_per_shard=len(image_ids),
        )
        manifest |= {"status": "complete", "rows": len(image_ids)}
        manifest["shard_rows"] = [len(image_ids)]
        index = None
        if labels is not None:
            manifest["class_names"], index = plan.number_labels(labels)
        super().__init__(Path(name), manifest)
        self.copies: FeatureStore | None = None
        # In the place of what a store on disk reads when it is asked.
        self.image_ids = image_ids
        self.labels = index
        self.quarantine = [
            {"row": row, "image": image_ids[row], "reason": bad[row]}
            for row in sorted(bad)
        ]

    def iter_shards(
        self, skip: np.ndarray | None = None
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Yields 0 and all features, (rows, dim) float16; see `FeatureStore`."""
        if skip is None or not skip.all():
            yield 0, self._rows

    def read(self, rows: Sequence[int] | np.ndarray | None = None) -> np.ndarray:
        """See `FeatureStore.read`."""
        chosen = self._rows if rows is None else self._rows[self._checked(rows)]
        return chosen.astype(np.float32)

    def open_copies(self) -> FeatureStore | None:
        """Returns `copies`, the store of its images' copies, or None."""
        return self.copies

    def verify(self) -> None:
        """Does nothing: memory has no checksums."""

    @property
    def _quarantine_place(self) -> str:
        return "its quarantine"
