"""The option ``target`` of classification configs: a folder of labelled images."""

import os
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log

from ..datasets.folders import folders_in, is_folder
from ..utils.errors import option
from ..utils.families import BadValue, ConfigUnsuited, FileMissing, TargetTooSmall
from ..utils.remote.addresses import shown
from .host_objectives import brings_pipeline, innermost

_LOADERS = {
    "train_dataloader": "train",
    "val_dataloader": "test",
    "test_dataloader": "test",
}


def is_classification(cfg: Config) -> bool:
    """Whether a config trains a classifier, so that a target is its data.

    Args:
        cfg: Any config.
    """
    if "num_classes" not in ((cfg.get("model") or {}).get("head") or {}):
        return False
    # Rotations and patches are classes, too, but not the target's.
    loader = cfg.get("train_dataloader") or {}
    return not brings_pipeline(innermost(loader.get("dataset") or {}))


def named_targets(target: Any) -> dict[str, str]:
    """Returns the folders of one target or several, by names for a log.

    A folder's name is its last part, and as many before it as tell it from others.

    Args:
        target: A folder, or a list of them.

    Raises:
        UserError: Neither, an empty list, or a folder twice.
    """
    folders = [target] if isinstance(target, str) else target
    if not isinstance(folders, list | tuple) or not all(
        folder and isinstance(folder, str) for folder in folders
    ):
        raise BadValue(
            f"{option('target')} is a folder or a list of them, not {target!r}"
        )
    parts = [Path(os.path.normpath(folder)).parts for folder in folders]
    if not parts or len({*parts}) < len(parts):
        raise BadValue(f"{option('target')} names no folder, or one twice: {target}")
    for length in range(1, max(map(len, parts)) + 1):
        names = ["-".join(part[-length:]) for part in parts]
        if len({*names}) == len(names):
            break
    return dict(zip(names, folders, strict=True))


def use_target(cfg: Config, target: Any) -> None:
    """Trains and tests a classifier on ``target/train`` and ``target/test``.

    The head gets as many classes as ``target/train`` has folders.

    Args:
        cfg: A config for which `is_classification` holds, changed in place.
        target: Folder with ``train/CLASS/IMAGE`` and ``test/CLASS/IMAGE``.

    Raises:
        UserError: No such folders, fewer than two classes, or a config whose data sets
            read something else.
    """
    if not isinstance(target, str):
        raise BadValue(f"a classifier has one {option('target')}, not {target!r}")
    folders = {part: Path(target, part) for part in ("train", "test")}
    for folder in folders.values():
        if not is_folder(folder):
            raise FileMissing(
                f"{shown(folder)} does not exist: a target holds train/CLASS/IMAGE and "
                "test/CLASS/IMAGE"
            )
    classes = folders_in(folders["train"])
    if len(classes) < 2:
        raise TargetTooSmall(f"{folders['train']} needs two class folders at least")
    for name, part in _LOADERS.items():
        loader = cfg.get(name)
        if loader is None:
            continue
        dataset = loader.dataset
        if str(dataset.get("type")).rpartition(".")[2] != "LabeledImages":
            raise ConfigUnsuited(
                "target=... needs LabeledImages, but this config's "
                f"{name} has {dataset.get('type')}"
            )
        # Named, so that both splits number them alike.
        dataset.update(source=str(folders[part]), class_names=classes)
    cfg.model.head.num_classes = len(classes)
    print_log(f"target: {target}, {len(classes)} classes", "current")
