"""One way in for every host: a config's backbone becomes an export."""

import copy
import logging
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.logging import print_log

from ..datasets.eval_transform import EvalTransform
from ..utils.families import ConfigUnsuited, ExportMisfit
from .export_info import ExportInfo
from .rewiring.classification import rewire_classifier
from .rewiring.detection import HEADS, rewire_detector
from .rewiring.proof import prove
from .rewiring.segmentation import rewire_segmentor
from .rewiring.shapes import measured, scope_of

# How the names of the hosts' preprocessors end.
_HOSTS = "datapreprocessor"


def use_export(cfg: Config, export: ExportInfo) -> None:
    """Puts an export into a config, and fits necks and heads to its channels.

    Args:
        cfg: A complete config of mmdet, mmseg, mmcls or mmselfsup, changed in place.
            What was used is noted under its key ``export``.
        export: The network and its weights.

    Raises:
        UserError: The model has no backbone to replace, or cannot hold this one.
    """
    model = whole = cfg.get("model") or {}
    # Semi-supervised detectors and others wrap the model that has the backbone.
    while "backbone" not in model and isinstance(model.get("detector"), dict):
        model = model["detector"]
    if "backbone" not in model:
        raise ConfigUnsuited(
            "the config's model has no backbone that an export could be"
        )
    pixels = model.get("data_preprocessor") or cfg.get("data_preprocessor")
    _check_channels(model["backbone"], pixels, export)
    before = copy.deepcopy(model)
    scope, side = scope_of(cfg.get("default_scope")), None
    if "decode_head" in model:
        changes = rewire_segmentor(model, export, measured(before, scope), scope)
    elif any(part in model for part in ("roi_head", *HEADS)):
        changes = rewire_detector(model, export, measured(before, scope))
    elif "head" in model:
        changes = rewire_classifier(model, export)
        side = (export.preprocessing or EvalTransform(224)).image_size
    else:
        raise ExportMisfit(f"exports do not fit into the model {whole.get('type')}")
    weights = "untrained" if export.weights is None else str(export.weights)
    cfg.export = {"subnet": export.name, "weights": weights}
    # What lies behind the last map that is read has weights and no gradient.
    library = export.features is not None and "out_indices" in model["backbone"]
    if not prove(model, before, export, scope, side) or library:
        cfg.find_unused_parameters = True
    _import_us(cfg, str(model["backbone"]["type"]))
    _check_pixels(pixels, export.preprocessing or EvalTransform(224))
    print_log(f"transfer: {', '.join(changes)}, weights: {weights}", "current")


def _check_channels(
    backbone: dict[str, Any], pixels: dict[str, Any] | None, export: ExportInfo
) -> None:
    """Refuses images of other channels than those that the export reads."""
    network = export.plain_network
    read = network.get("in_channels", network.get("in_chans", 3))
    mean = (pixels or {}).get("mean")
    given = len(mean) if isinstance(mean, list | tuple) and len(mean) > 1 else read
    given = backbone.get("in_channels", given)
    if given != read:
        raise ExportMisfit(
            f"the config's images have {given} channels, and export {export.name} "
            f"reads {read}: take a config of images with {read} channels"
        )


def _check_pixels(preprocessor: dict[str, Any] | None, expected: EvalTransform) -> None:
    """Says so where a host's config feeds other numbers than pre-training did.

    Such are mmdet's recipes for weights of Caffe: BGR, and not divided by anything.
    """
    given = preprocessor or {}
    if str(given.get("type", "")).lower() == "multibranchdatapreprocessor":
        given = given.get("data_preprocessor") or {}
    if not given or not str(given.get("type", _HOSTS)).lower().endswith(_HOSTS):
        return
    rgb = bool(given.get("bgr_to_rgb") or given.get("to_rgb"))
    wanted = {"mean": expected.mean, "std": expected.std}
    alike = all(
        np.allclose(given.get(key) or 0, value, atol=1) for key, value in wanted.items()
    )
    if not alike or rgb != (expected.channel_order == "rgb"):
        print_log(
            "the config's pixels are not those of our pre-training, "
            f"{expected.channel_order.upper()} less {expected.mean} by {expected.std}: "
            "if the export's were, set mean, std and bgr_to_rgb of "
            "model.data_preprocessor",
            "current",
            logging.WARNING,
        )


def _import_us(cfg: Config, kind: str) -> None:
    """Lets the hosts' own runners build the config, without a compiled mmcv, too."""
    found = cfg.get("custom_imports") or {}
    names = found.get("imports") or []
    names = [names] if isinstance(names, str) else list(names)
    if not any(name.split(".")[0] == "mmtaskssl" for name in names):
        names = ["mmtaskssl", *names]
    if kind.startswith("mmcls.") and "mmcls.models" not in names:
        names.append("mmcls.models")
    cfg.custom_imports = {**found, "imports": names}
