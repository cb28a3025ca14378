"""Labelled features: from feature stores, with labels from folders or from a table."""

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..datasets.label_table import read_label_table
from ..features.sources import open_stores
from ..features.store import FeatureStore, check_same_extractor
from ..utils.errors import option
from ..utils.families import BadLabels, ClassMismatch, ImagesMismatch


@dataclass(frozen=True)
class LabeledFeatures:
    """Features and labels of one split.

    Attributes:
        x: (N, D) float32.
        y: (N,) class indices, or (N, C) zero-one labels.
        class_names: C names.
        notes: What a reader of results should know of the rows.
    """

    x: Tensor
    y: Tensor
    class_names: list[str]
    notes: list[str] = field(default_factory=list)

    def subset(self, rows: Tensor) -> "LabeledFeatures":
        """Returns the rows ``rows``."""
        return replace(self, x=self.x[rows], y=self.y[rows])

    def to(self, device: torch.device) -> "LabeledFeatures":
        """Returns a copy on ``device``."""
        return replace(self, x=self.x.to(device), y=self.y.to(device))


def labeled_pair(
    train: LabeledFeatures, test: LabeledFeatures
) -> tuple[LabeledFeatures, LabeledFeatures]:
    """Gives both splits the class indices of the training split.

    Raises:
        UserError: The test split has a class that cannot be learned, or only one
            split has several labels an image.
    """
    if train.y.dim() != test.y.dim():
        raise ClassMismatch(
            "either both splits have several labels an image, or none has"
        )
    unknown = sorted(set(test.class_names) - set(train.class_names))
    if unknown:
        raise ClassMismatch(
            f"test class {unknown[0]} has no training image (and {len(unknown) - 1} "
            "other classes): give train and test the same classes"
        )
    index = [train.class_names.index(name) for name in test.class_names]
    if test.y.dim() == 2:
        y = torch.zeros(len(test.y), len(train.class_names))
        y[:, index] = test.y
        seen = y.any(dim=0)
    else:
        y = torch.tensor(index)[test.y]
        seen = torch.bincount(y, minlength=len(train.class_names)) > 0
    absent = [n for n, s in zip(train.class_names, seen.tolist(), strict=True) if not s]
    notes = list(test.notes)
    if absent:
        notes.append(
            f"{len(absent)} classes have no test image and do not count in means over "
            f"classes: {', '.join(absent[:5])}{' ...' if len(absent) > 5 else ''}"
        )
    return train, replace(test, y=y, class_names=train.class_names, notes=notes)


def from_store(
    store: FeatureStore, split: str, table: str | Path | None = None
) -> LabeledFeatures:
    """Reads the labelled rows of a store; rows without feature or label are left out.

    Args:
        store: Its labels are used unless there is a ``table``.
        split: "train" or "test", for messages.
        table: See `read_label_table`.

    Raises:
        UserError: No labels, or none of the labelled rows has a feature.
    """
    return from_features(
        store.read(),
        store.image_ids,
        store.bad_rows,
        store.labels,
        store.class_names,
        split,
        table,
        str(store.path),
    )


def from_features(
    x: np.ndarray,
    image_ids: list[str],
    bad_rows: np.ndarray,
    labels: np.ndarray | None,
    class_names: list[str] | None,
    split: str,
    table: str | Path | None = None,
    name: str = "features",
) -> LabeledFeatures:
    """Joins features and labels, see `from_store`."""
    if table is not None:
        y, class_names = read_label_table(table, image_ids)
    elif labels is None or class_names is None:
        raise BadLabels(
            f"{name} has no labels: extract it with labels, or name a table with "
            f"{option(f'{split}_labels')}"
        )
    else:
        y = torch.from_numpy(np.array(labels))
    known = (y >= 0) if y.dim() == 1 else (y >= 0).all(dim=1)
    good = torch.ones(len(y), dtype=torch.bool)
    good[torch.from_numpy(bad_rows)] = False
    rows = torch.nonzero(known & good).squeeze(1)
    if len(rows) == 0:
        raise ImagesMismatch(f"no image of {name} has both a label and a feature")
    notes = []
    if not bool(known.all()):
        notes.append(f"{split}: {int((~known).sum())} images without label left out")
    if len(bad_rows):
        notes.append(f"{split}: {len(bad_rows)} images without feature left out")
    if y.dim() == 1:  # a class that lost all its images is none
        used, y = y[rows].unique(return_inverse=True)
        class_names = [class_names[i] for i in used.tolist()]
    else:
        y = y[rows]
    x = torch.from_numpy(x)
    return LabeledFeatures(x if len(rows) == len(x) else x[rows], y, class_names, notes)


def load_stores(
    train: FeatureStore | str | os.PathLike,
    test: FeatureStore | str | os.PathLike,
    train_table: str | Path | None = None,
    test_table: str | Path | None = None,
) -> tuple[LabeledFeatures, LabeledFeatures]:
    """Reads a training and a test store that one extractor filled.

    Raises:
        UserError: See `check_same_extractor`, `from_store` and `labeled_pair`.
    """
    train, test = open_stores([train, test])
    check_same_extractor(train, test)
    return labeled_pair(
        from_store(train, "train", train_table), from_store(test, "test", test_table)
    )
