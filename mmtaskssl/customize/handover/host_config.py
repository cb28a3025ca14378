"""A complete config that trains a target with an export, by the hosts' own tools."""

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ...config import ExportInfo
from ...config.load import RUNNER_KEYS
from ...runs import OutputFile, Work
from ...selection.output import write_csv
from ...utils import checks
from ...utils.atomic import write_text
from ...utils.families import BadLabels, TargetTooSmall
from ..inspection.inspected import Inspected, Split, TaskKind
from .classifier import classifier
from .dense import detector, names_of, segmentor

CONFIG, LISTS = "config.py", "target"
_MARK = "# Made by mmtaskssl customize"
# Short side of images for detectors and segmentors, pixels, where nothing is said: what
# one CPU core trains on in minutes.
_DENSE_SIDE = {"detection": 240, "segmentation": 160}
_SMALLEST = 32
# Of a config beside what the runner reads: bases' variables say what is elsewhere now.
_KEPT = {"custom_imports", "export"}
_HOSTS = {
    "classification": "mmcls",
    "multilabel": "mmcls",
    "detection": "mmdet",
    "segmentation": "mmseg",
}
_MAKERS: dict[str, Callable[..., Config]] = {
    "classification": classifier,
    "multilabel": classifier,
    "detection": detector,
    "segmentation": segmentor,
}


def host_config(
    kind: TaskKind,
    export_folder: str | os.PathLike,
    inspected: Inspected,
    *,
    out: str | os.PathLike,
    side: int | None = None,
    iters: int | None = None,
    seed: int = 0,
) -> Path:
    """Writes a config that fine-tunes an export on a target, whole and by itself.

    It is one of ``configs/transfer`` with the export, the classes, the images and the
    annotations put in: mmcls' for one label an image or several, mmdet's for boxes,
    mmseg's for masks. The host's own tools train with it, and so does
    ``tools/train.py``. What lies in ``out`` is named relative to the config, so that
    the folder may be moved.

    Args:
        kind: Of the task.
        export_folder: What `export` wrote.
        inspected: The target.
        out: Gets config.py, and the folder target with the images of both parts.
        side: Of what the network sees, pixels: the square view of a classifier (None:
            the export's), the short side of the images of others (None: that of the
            target's, at most 240 of detection and 160 of segmentation).
        iters: Of the training; None: the recipe's.
        seed: Of the training.

    Returns:
        The config.

    Raises:
        UserError: No export, one that does not serve the task, or a place that holds
            something else.
    """
    checks.one_of("kind", kind, tuple(_MAKERS))
    checks.whole("side", side, _SMALLEST, none=True)
    checks.whole("iters", iters, none=True)
    checks.seed(seed)
    export, place = ExportInfo.read(Path(export_folder)), Path(out).expanduser()
    if not len(inspected.train) or not len(inspected.test):
        raise TargetTooSmall("a config needs images to train on, and others to test on")
    if side is None and kind in _DENSE_SIDE:
        side = max(_SMALLEST, min(inspected.short_side, _DENSE_SIDE[kind]))
    elif side is None:
        side = export.preprocessing.image_size if export.preprocessing else 224
    file = OutputFile(place / CONFIG, "a config of customize", _objection)
    file.check()
    lists = _write_lists(kind, inspected, place)
    options: dict[str, Any] = {"randomness.seed": seed}
    if iters is not None:
        options |= {"max_iters": iters, "default_hooks.checkpoint.interval": iters}
    cfg = _MAKERS[kind](export, inspected, lists, side, options)
    title = f"{_MARK}: {export.name} on {len(inspected.class_names)} classes."
    with file.written() as temporary:
        write_text(temporary, f"{title}\n{_usage(kind)}{_movable(cfg, place)}")
    return place / CONFIG


def _usage(kind: str) -> str:
    lines = [
        f"#     mmtaskssl pretrain {CONFIG} --work-dir WORK    (or "
        f"{_HOSTS[kind]}'s own train.py)",
        f"#     mmtaskssl test {CONFIG} CHECKPOINT",
        "# It validates on the test part while it trains: choose nothing by that.",
    ]
    return "\n".join(lines) + "\n"


def _movable(cfg: Config, place: Path) -> str:
    """Returns the config with its own folder's files named relative to it."""
    for name in cfg.keys() - RUNNER_KEYS - _KEPT:
        cfg.pop(name)
    here = f"{place.resolve()}{os.sep}"
    text = str(cfg.pretty_text)
    for written in {here, f"{place.absolute()}{os.sep}"}:
        text = text.replace(written, "{{ fileDirname }}/")
    return text


def _write_lists(
    kind: TaskKind, inspected: Inspected, place: Path
) -> Mapping[str, Path]:
    """Writes the images of both parts with their labels as the hosts read them."""
    parts = {"train": inspected.train, "test": inspected.test}
    files = [name for part in parts for name in _files(kind, parts[part], part)]
    digest = hashlib.sha256()
    for part in parts.values():
        of_part = (part.root, part.image_ids, part.labels, part.annotations, part.masks)
        digest.update(repr(tuple(map(_listed, of_part))).encode())
    inputs = {"kind": kind, "images": digest.hexdigest()}
    work = Work("lists", 1, inputs, files, "lists of a target's images")
    folder = place / LISTS
    work.state(folder, overwrite=True)
    with work.written(folder) as temporary:
        for name, part in parts.items():
            _write_list(kind, part, name, temporary)
    if kind == "segmentation":
        return dict.fromkeys(parts, folder.absolute())
    return {n: folder.absolute() / _files(kind, p, n)[0] for n, p in parts.items()}


def _files(kind: TaskKind, part: Split, name: str) -> list[str]:
    if kind == "segmentation":
        return list(names_of(part, name)[1])
    return [f"{name}.{'json' if kind == 'detection' else 'csv'}"]


def _write_list(kind: TaskKind, part: Split, name: str, folder: Path) -> None:
    if kind == "segmentation":
        for file, names in names_of(part, name)[0].items():
            write_text(folder / file, "\n".join(names) + "\n")
    elif kind == "detection":
        if part.annotations is None:
            raise BadLabels(f"the target's {name} part has no annotations")
        shutil.copyfile(part.annotations, folder / f"{name}.json")
    else:
        label = "label" if kind == "classification" else "labels"
        labels = (";".join(names) for names in part.labels)
        rows = zip(part.image_ids, labels, strict=True)
        write_csv(folder / f"{name}.csv", [("image", label), *rows])


def _listed(value: Any) -> Any:
    return value if isinstance(value, str | None) else [*map(str, value)]


def _objection(path: Path) -> str:
    with open(path, "rb") as file:
        ours = file.read(len(_MARK)) == _MARK.encode()
    return "" if ours else "it holds something else"
