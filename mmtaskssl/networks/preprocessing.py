"""What a network expects of pixels, as its config says."""

from collections.abc import Mapping
from typing import Any

from mmengine.config import Config

from ..config import first_side
from ..datasets.eval_transform import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    EvalTransform,
    pixel_statistics,
)

_SIZE = 224
# How the names of the hosts' preprocessors end; they read images as BGR.
_HOSTS = "datapreprocessor"


def preprocessing_of(cfg: Config, image_size: int | None = None) -> EvalTransform:
    """Returns the evaluation transform of a training config.

    Our own preprocessors see RGB. Those of the hosts see what OpenCV reads, BGR, unless
    ``bgr_to_rgb`` (mmcls: ``to_rgb``) turns it, and divide by nothing where they name
    no statistics. Their side is that of a self-supervised pipeline's first view.

    Args:
        cfg: Its ``data_preprocessor``, of the model or beside it, gives mean, standard
            deviation, channel order and side (``view_size``).
        image_size: Side of the crop, pixels, instead of the config's; with neither 224.
    """
    options = _options(cfg)
    size = image_size or options.get("view_size") or first_side(cfg) or _SIZE
    is_host = str(options.get("type", "")).lower().endswith(_HOSTS)
    mean, std = options.get("mean"), options.get("std")
    if is_host and mean is None and std is None:
        mean, std = (0.0,) * 3, (1.0,) * 3
    else:
        mean, std = pixel_statistics(mean or IMAGENET_MEAN, std or IMAGENET_STD)
    turned = options.get("bgr_to_rgb") or options.get("to_rgb")
    order = "bgr" if is_host and not turned else "rgb"
    order = options.get("channel_order", order)
    return EvalTransform(size, mean, std, channel_order=order)


def _options(cfg: Config) -> Mapping[str, Any]:
    model = cfg.get("model") or {}
    options = model.get("data_preprocessor") or cfg.get("data_preprocessor") or {}
    # Semi-supervised models wrap the one that their branches share.
    return options.get("data_preprocessor") or options
