"""A labelled folder of images, and what a network makes of it."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config

from ..datasets.folders import is_folder
from ..datasets.images import folder_labels, list_images
from ..datasets.left_out import check_classes
from ..features.fill import extract_to_store
from ..features.opening import NetworkLike
from ..features.rows import unit_rows
from ..features.runner import BatchRunner, compute
from ..networks import Trained, held_network, library
from ..utils.families import FileMissing
from ..utils.hashing import file_sha256, lines_sha256
from ..utils.remote.addresses import shown
from .data import LabeledFeatures, from_features, from_store, labeled_pair

Log = Callable[[str], None]
SPLITS = ("train", "test")


@dataclass(frozen=True)
class Target:
    """Training and test images with labels.

    Attributes:
        folder: ``train/CLASS/IMAGE`` and ``test/CLASS/IMAGE``.
        tables: Instead of the folders' names, the labels of a split, by its name: see
            `read_label_table`.
    """

    folder: str
    tables: dict[str, str | None] = field(default_factory=dict)

    def images(self, split: str) -> tuple[Path, list[str]]:
        """Returns the folder of a split, and its image ids.

        Raises:
            UserError: There is none.
        """
        folder = Path(self.folder, split)
        if not is_folder(folder):
            raise FileMissing(
                f"{shown(folder)} does not exist: a target holds train/CLASS/IMAGE and "
                "test/CLASS/IMAGE"
            )
        return list_images(str(folder))

    def describe(self) -> dict[str, Any]:
        """Returns what tells these images and labels from any others."""
        facts: dict[str, Any] = {"target": self.folder}
        for split in SPLITS:
            _, image_ids = self.images(split)
            facts[split] = {
                "images": len(image_ids),
                "ids_sha256": lines_sha256(image_ids),
            }
            table = self.tables.get(split)
            if table and Path(table).is_file():
                facts[split]["labels_sha256"] = file_sha256(table)
        return facts

    def features(
        self, runner: BatchRunner, cache: str | os.PathLike | None, log: Log
    ) -> tuple[LabeledFeatures, LabeledFeatures]:
        """Extracts the training and the test features.

        Args:
            runner: Runs the network.
            cache: Folder that keeps the features; None: none does.
            log: Receives lines on the progress.

        Raises:
            UserError: The target lacks a folder, images or labels.
        """
        train, test = (self.split(runner, split, cache, log) for split in SPLITS)
        return labeled_pair(train, test)

    def split(
        self, runner: BatchRunner, split: str, cache: str | os.PathLike | None, log: Log
    ) -> LabeledFeatures:
        """Extracts the features of one split; see `features`."""
        table, source = self.tables.get(split), str(Path(self.folder, split))
        root, image_ids = self.images(split)
        labels = None if table else folder_labels(image_ids)
        if labels is not None:
            check_classes(source, {*labels})
        if cache:
            store = extract_to_store(
                runner,
                root,
                image_ids,
                Path(cache, split),
                labels=labels,
                source=source,
                log=lambda text: log(f"{split}: {text}"),
            )
            return from_store(store, split, table)
        features, broken = unit_rows(*compute(runner, root, image_ids))
        class_names = sorted(set(labels or ()))
        index = {name: i for i, name in enumerate(class_names)}
        return from_features(
            features,
            image_ids,
            np.array(sorted(broken), dtype=np.int64),
            None if labels is None else np.array([index[name] for name in labels]),
            class_names,
            split,
            table,
            source,
        )


def describe_network(network: NetworkLike) -> list[str | None] | str:
    """Returns the names of a network and its weights, for the record.

    Args:
        network: See `open_extractor`.
    """
    if (known := held_network(network)) is not None:
        return [known.name, known.checkpoint]
    name, weights = network if isinstance(network, tuple) else (network, None)
    if isinstance(name, Trained) and not isinstance(name, Config):
        name, weights = name.config, name.checkpoint
    if isinstance(name, Config):
        name = name.filename or "in memory"
    elif not isinstance(name, str | os.PathLike):
        return str(getattr(name, "name", type(name).__name__))
    name = os.fspath(name)
    if library.is_library_name(name):
        return name
    return [name, None if weights is None else os.fspath(weights)]
