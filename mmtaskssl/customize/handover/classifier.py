"""A classifier of a target, as a config."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ...config import ExportInfo, load_config
from ...utils.families import ExportMisfit
from ..inspection.inspected import Inspected, Split
from .loaders import loaders_of

_BASE = "transfer/classification/finetune_resnet10-w32_1xb64-coslr-500i_folder-40px.py"
# Of the view: pixels that a crop of a fifth of the image is cut from.
_STORED = 1.2
# Bytes of decoded images that are kept in memory.
_CACHE = 2 << 30


def classifier(
    export: ExportInfo,
    inspected: Inspected,
    tables: Mapping[str, Path],
    side: int,
    options: Mapping[str, Any],
) -> Config:
    """Returns the config that fine-tunes an export on a target's images.

    Args:
        export: The backbone.
        inspected: The target, of one label an image or of several.
        tables: Of "train" and "test", the file with the images and labels.
        side: Of the view, pixels.
        options: Of `load_config`, beside those of the data.

    Raises:
        UserError: The export wants pixels in another order.
    """
    pixels = export.preprocessing
    given: dict[str, Any] = {"model.data_preprocessor.view_size": side}
    if pixels is not None:
        if pixels.channel_order != "rgb":
            raise ExportMisfit(
                f"export {export.name} sees {pixels.channel_order.upper()}, and the "
                "classifiers of our configs RGB: write the config by hand"
            )
        given |= {
            "model.data_preprocessor.mean": list(pixels.mean),
            "model.data_preprocessor.std": list(pixels.std),
        }
    cfg = load_config(_BASE, {**options, **given, "backbone": str(export.folder)})
    several = inspected.kind == "multilabel"
    for name, loader in loaders_of(cfg):
        part = inspected.train if name == "train" else inspected.test
        # mmcls' own tool has them persist where nothing is said.
        loader.persistent_workers = loader.num_workers > 0
        loader.dataset = {
            "type": "mmtaskssl.TableImages",
            "source": str(tables[name]),
            "root": str(Path(part.root).absolute()),
            "class_names": list(inspected.class_names),
            "store_size": round(_STORED * side),
            "cache": _cache(part, round(_STORED * side)),
        }
    head = cfg.model.head
    head.num_classes = len(inspected.class_names)
    if several:
        head.type = "mmcls.MultiLabelLinearClsHead"
        head.loss = {"type": "mmtaskssl.PartialBinaryCrossEntropy"}
        cfg.val_evaluator = {"type": "mmtaskssl.TransferMetric", "metric": "mAP"}
        cfg.test_evaluator = cfg.val_evaluator
    return cfg


def _cache(part: Split, side: int) -> str:
    """Whether decoded images are kept: photos are a third wider than high."""
    return "ram" if len(part) * 3 * side * side * 4 / 3 <= _CACHE else "none"
