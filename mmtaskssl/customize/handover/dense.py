"""A detector and a segmentor of a target, as configs."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ...config import ExportInfo, load_config
from ..inspection.inspected import Inspected, Split
from .loaders import loaders_of

_DETECTOR = "transfer/detection/bccd/faster-rcnn_fpn_1xb8-250i_bccd-320px.py"
_SEGMENTOR = "transfer/segmentation/camvid/fcn_d8_1xb8-400i_camvid-160px.py"
# What mmseg ignores where masks say nothing else.
_VOID = 255
# Of a photo's sides.
_RATIO = 4 / 3
# As long as an image's side may be beside a short one that is given.
_LONGEST = 4096


def detector(
    export: ExportInfo,
    inspected: Inspected,
    lists: Mapping[str, Path],
    side: int,
    options: Mapping[str, Any],
) -> Config:
    """Returns the config of a Faster R-CNN on an export.

    Args:
        export: The backbone.
        inspected: The target, whose parts have COCO JSONs.
        lists: Of "train" and "test", the COCO JSON.
        side: Short side of the images, pixels, where the long one is a third longer.
        options: Of `load_config`, beside those of the data.
    """
    cfg = load_config(_DETECTOR, {**options, "backbone": str(export.folder)})
    classes = tuple(inspected.class_names)
    scale = (round(_RATIO * side), side)
    for name, loader in loaders_of(cfg):
        part = inspected.train if name == "train" else inspected.test
        loader.dataset = {
            "type": "CocoDataset",
            "ann_file": str(lists[name]),
            "data_prefix": {"img": str(Path(part.root).absolute())},
            "metainfo": {"classes": classes},
            "pipeline": [_scaled(step, scale) for step in loader.dataset.pipeline],
            **(
                {"filter_cfg": {"filter_empty_gt": True}}
                if name == "train"
                else {"test_mode": True}
            ),
        }
    cfg.val_evaluator = {
        "type": "CocoMetric",
        "ann_file": str(lists["test"]),
        "metric": "bbox",
    }
    cfg.test_evaluator = cfg.val_evaluator
    cfg.model.roi_head.bbox_head.num_classes = len(classes)
    _set_pixels(cfg, export)
    return cfg


def segmentor(
    export: ExportInfo,
    inspected: Inspected,
    lists: Mapping[str, Path],
    side: int,
    options: Mapping[str, Any],
) -> Config:
    """Returns the config of an FCN at stride 8 on an export.

    Args:
        export: The backbone.
        inspected: The target, whose images have masks.
        lists: Of "train" and "test" the folder that `write_names` filled.
        side: Short side of the images, and of the square crops, pixels.
        options: Of `load_config`, beside those of the data.
    """
    cfg = load_config(_SEGMENTOR, {**options, "backbone": str(export.folder)})
    classes = tuple(inspected.class_names)
    first = int(inspected.facts.get("first_index", 0))
    # mmseg numbers classes from 0: where 0 is nothing, it shifts them.
    void = _VOID if first else int(inspected.facts.get("void", _VOID))
    crop = (side, side)
    load = {"type": "LoadAnnotations", "reduce_zero_label": bool(first)}
    resize = {"type": "Resize", "scale": (_LONGEST, side), "keep_ratio": True}
    training = [
        {"type": "LoadImageFromFile"},
        load,
        resize,
        {"type": "RandomFlip", "prob": 0.5},
        {"type": "RandomCrop", "crop_size": crop, "cat_max_ratio": 0.75},
        {"type": "PackSegInputs"},
    ]
    testing = [{"type": "LoadImageFromFile"}, resize, load, {"type": "PackSegInputs"}]
    for name, loader in loaders_of(cfg):
        part = inspected.train if name == "train" else inspected.test
        sets = [
            {
                "type": "BaseSegDataset",
                "ann_file": str(Path(lists[name], file)),
                "data_prefix": {
                    "img_path": str(Path(part.root).absolute()),
                    "seg_map_path": str(Path(part.annotations or "").absolute()),
                },
                "img_suffix": of_image,
                "seg_map_suffix": of_mask,
                "metainfo": {"classes": classes},
                "reduce_zero_label": bool(first),
                "pipeline": training if name == "train" else testing,
            }
            for file, (of_image, of_mask) in names_of(part, name)[1].items()
        ]
        one = {"type": "ConcatDataset", "datasets": sets}
        loader.dataset = sets[0] if len(sets) == 1 else one
    for head in (cfg.model.decode_head, cfg.model.auxiliary_head):
        head.num_classes, head.ignore_index = len(classes), void
    preprocessor = cfg.model.data_preprocessor
    preprocessor.size, preprocessor.seg_pad_val = crop, void
    cfg.val_evaluator.ignore_index = void
    cfg.test_evaluator = cfg.val_evaluator
    _set_pixels(cfg, export)
    return cfg


def names_of(
    part: Split, name: str
) -> tuple[dict[str, list[str]], dict[str, tuple[str, str]]]:
    """Returns lists of names as mmseg reads them.

    It takes an image and its mask to be one name with two endings, so that images of
    several kinds of endings are several lists.

    Args:
        part: Images with masks.
        name: Of the part.

    Returns:
        Of each file the names in it, and the endings of image and mask.
    """
    groups = defaultdict(list)
    for image, mask in zip(part.image_ids, part.masks, strict=True):
        pairs = enumerate(zip(image, mask, strict=False))
        end = next((i for i, (a, b) in pairs if a != b), min(len(image), len(mask)))
        both = image[:end].removesuffix(".")  # "a.jpg" and "a.png" are both "a"
        groups[image[len(both) :], mask[len(both) :]].append(both)
    files = {f"{name}-{number}.txt": key for number, key in enumerate(sorted(groups))}
    return {file: groups[key] for file, key in files.items()}, files


def _scaled(step: Mapping[str, Any], scale: tuple[int, int]) -> dict[str, Any]:
    return {**step, **({"scale": scale} if step["type"] == "Resize" else {})}


def _set_pixels(cfg: Config, export: ExportInfo) -> None:
    """Feeds the backbone what it was trained on."""
    pixels = export.preprocessing
    if pixels is not None:
        cfg.model.data_preprocessor.mean = list(pixels.mean)
        cfg.model.data_preprocessor.std = list(pixels.std)
        cfg.model.data_preprocessor.bgr_to_rgb = pixels.channel_order == "rgb"
