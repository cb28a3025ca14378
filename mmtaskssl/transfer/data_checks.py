"""Are the lists and annotations of a detector or segmentor what its config says?

The hosts stumble over bad data in the middle of a training, or name no file.
"""

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ..datasets.annotations.boxes import BoxJudge
from ..datasets.annotations.coco import CocoFile, read_coco_json
from ..datasets.annotations.findings import Finding
from ..datasets.annotations.names import judge_names, judge_order
from ..datasets.annotations.voc import read_voc_xml
from ..utils.families import BadLabels, FileMissing, NoImages, SystemRefused
from ..utils.inputs import open_text, read_text
from .data_report import report

_TRAIN = "train_dataloader"
_XML = ("VOCDataset", "XMLDataset")
_COCO = "CocoDataset"
# What the host reads of each section.
_COCO_KEYS = {
    "images": ("id", "file_name", "width", "height"),
    "annotations": ("id", "image_id", "category_id", "bbox", "area"),
    "categories": ("id", "name"),
}


def check_annotations(
    cfg: Config, loaders: Sequence[str] = (_TRAIN, "val_dataloader")
) -> None:
    """Reads the lists and annotation files of a config's data sets.

    Args:
        cfg: A complete config; of data sets other than VOC's, COCO's and those with a
            list only the files' presence is checked.
        loaders: Which of its data loaders.

    Raises:
        UserError: A file is missing, empty or malformed, or means something else than
            the config; names it and the line. What is odd is said in the log.
    """
    found: list[Finding] = []
    for loader in loaders:
        for data in _data_sets((cfg.get(loader) or {}).get("dataset")):
            root, name = data.get("data_root") or "", data.get("ann_file")
            if "://" in f"{root}{name}":
                continue
            if isinstance(name, str) and name:
                found += _check_file(data, Path(root, name), cfg, loader)
            elif "seg_map_path" in (data.get("data_prefix") or {}):
                _check_folders(data, loader)
    report(found)


def _check_file(data: dict, file: Path, cfg: Config, loader: str) -> list[Finding]:
    if not file.exists():
        raise FileMissing(
            f"annotation file {file} of {loader} does not exist; set data_root=..."
        )
    kind = str(data.get("type")).rpartition(".")[2]
    if kind in _XML:
        # A filter may stand in the pipeline of a wrapper.
        filtered = "FilterAnnotations" in str(cfg[loader])
        return _check_xml(data, file, loader == _TRAIN, filtered)
    if kind == _COCO:
        return _check_json(data, file, cfg, loader)
    if file.suffix == ".txt" and not _begins(file):
        raise BadLabels(f"{file} of {loader} lists no image")
    return []


@contextlib.contextmanager
def _readable(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SystemRefused(
            f"{file} cannot be read: {error.strerror or error}"
        ) from error


def _begins(file: Path) -> bool:
    with _readable(file), open_text(file) as lines:
        return bool(lines.read(4096).strip())


def _check_folders(data: dict, loader: str) -> None:
    """Checks the folders of a data set whose images are those that lie there."""
    for prefix in data["data_prefix"].values():
        folder = Path(data.get("data_root") or "", prefix or "")
        if not folder.is_dir():
            raise FileMissing(
                f"folder {folder} of {loader} does not exist; set data_root=..."
            )
        if next(folder.iterdir(), None) is None:
            raise NoImages(f"folder {folder} of {loader} is empty")


def _data_sets(value: Any) -> Iterator[dict]:
    """Yields the configs of data sets below all wrappers."""
    if isinstance(value, list | tuple):
        for item in value:
            yield from _data_sets(item)
    elif isinstance(value, dict):
        if "dataset" in value or "datasets" in value:
            yield from _data_sets(value.get("dataset"))
            yield from _data_sets(value.get("datasets"))
        else:
            yield value


def _check_xml(
    data: dict, listing: Path, training: bool, filtered: bool
) -> list[Finding]:
    prefix = (data.get("data_prefix") or {}).get("sub_data_root", "")
    folder = Path(data.get("data_root") or "", prefix)
    annotations = folder / data.get("ann_subdir", "Annotations")
    with _readable(listing):
        text = read_text(listing)
    lines = text.removesuffix("\n").split("\n")
    if not text.strip():
        raise BadLabels(f"{listing} lists no image")
    counts: Counter[str] = Counter()
    classes = (data.get("metainfo") or {}).get("classes")
    filtered = filtered or bool((data.get("filter_cfg") or {}).get("bbox_min_size"))
    boxes = BoxJudge(training and not filtered, "they are no objects")
    for number, image in enumerate(lines, 1):
        image = image.rstrip("\r")
        if not image:
            raise BadLabels(f"{listing}, line {number}, is blank: remove the line")
        file = annotations / f"{image}.xml"
        if not file.is_file():
            raise FileMissing(
                f"{file} does not exist, but {listing}, line {number}, lists it"
            )
        with _readable(file):
            objects, size = read_voc_xml(file)
        for place, thing in enumerate(objects, 1):
            counts[thing.name] += 1
            if classes and thing.name not in classes:
                continue
            left, top, right, bottom = thing.corners
            # The host leaves out the last pixel, too.
            box = left - 1, top - 1, right - left, bottom - top
            boxes.add(f"{file}: object {place}", box, size, thing.difficult)
    found = _of_names(data, counts, f"that {listing} lists", training)
    return [*found, *boxes.findings(str(listing))]


def _of_names(
    data: dict, found: Counter, where: str, training: bool, known: Sequence[str] = ()
) -> list[Finding]:
    """Compares classes; without any in the config an object is all that is asked."""
    classes = (data.get("metainfo") or {}).get("classes")
    if isinstance(classes, str) or not classes:  # of the host, or a file of its own
        classes = [*found]
    return judge_names(found, classes, where, training, known)


def _check_json(data: dict, file: Path, cfg: Config, loader: str) -> list[Finding]:
    training, keys = loader == _TRAIN, dict(_COCO_KEYS)
    metrics = [] if training else _metrics(cfg, loader)
    if any(metric.get("ann_file") for metric in metrics):  # read by pycocotools
        keys["annotations"] += ("iscrowd",)
    if any(metric.get("format_only") for metric in metrics):  # of unknown objects
        del keys["annotations"]
    with _readable(file):
        coco = CocoFile(file, read_coco_json(file), keys)
    categories, where = [*coco.categories.values()], f"that {file} lists"
    found = []
    if "annotations" in keys:
        found += _of_names(data, coco.counts(), where, training, categories)
    classes = (data.get("metainfo") or {}).get("classes")
    if classes and not isinstance(classes, str):
        found += judge_order(categories, classes, str(file), training)
    model = cfg.get("model") or {}
    masks = any(step.get("with_mask") for step in data.get("pipeline") or ())
    if training:
        masks |= "mask_head" in {**model, **(model.get("roi_head") or {})}
    masks |= any("segm" in str(metric.get("metric")) for metric in metrics)
    return [*found, *coco.judge(masks)]


def _metrics(cfg: Config, loader: str) -> Sequence[dict]:
    found = cfg.get(loader.replace("dataloader", "evaluator")) or {}
    return found if isinstance(found, list | tuple) else [found]
