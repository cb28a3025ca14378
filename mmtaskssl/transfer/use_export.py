"""One way in for every host: a config's backbone becomes an export."""

from mmengine.config import Config
from mmengine.logging import print_log

from ..utils.errors import UserError
from .classification import rewire_classifier
from .detection import rewire_detector
from .export_info import ExportInfo
from .segmentation import rewire_segmentor


def use_export(cfg: Config, export: ExportInfo) -> None:
    """Puts an export into a config, and fits necks and heads to its channels.

    Args:
        cfg: A complete config of mmdet, mmseg, mmcls or mmselfsup, changed in place.
            What was used is noted under its key ``export``.
        export: The network and its weights.

    Raises:
        UserError: The model has no backbone to replace, or cannot hold this one.
    """
    model = cfg.get("model") or {}
    # Semi-supervised detectors and others wrap the model that has the backbone.
    while "backbone" not in model and isinstance(model.get("detector"), dict):
        model = model["detector"]
    if "backbone" not in model:
        raise UserError("the config's model has no backbone that an export could be")
    if "decode_head" in model:
        changes = rewire_segmentor(model, export)
    elif "bbox_head" in model or "roi_head" in model or "rpn_head" in model:
        changes = rewire_detector(model, export)
    elif "head" in model:
        changes = rewire_classifier(model, export)
    else:
        raise UserError(f"exports do not fit into the model {model.get('type')}")
    weights = "untrained" if export.weights is None else str(export.weights)
    cfg.export = {"subnet": export.name, "weights": weights}
    _import_us(cfg)
    print_log(f"transfer: {', '.join(changes)}, weights: {weights}", "current")


def _import_us(cfg: Config) -> None:
    """Lets the hosts' own runners build the config, without a compiled mmcv, too."""
    found = cfg.get("custom_imports") or {}
    names = found.get("imports") or []
    names = [names] if isinstance(names, str) else list(names)
    if not any(name.split(".")[0] == "mmtaskssl" for name in names):
        cfg.custom_imports = {**found, "imports": ["mmtaskssl", *names]}
