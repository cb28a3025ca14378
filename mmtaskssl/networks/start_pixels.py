"""Whether a training shows its images as the weights that it starts from saw theirs."""

import logging
from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmengine.logging import print_log

from ..config import ExportInfo
from ..config.dumped_config import parse_dumped_config
from ..datasets.eval_transform import EvalTransform, pixel_statistics
from ..models.backbones.library import build_body, is_library_name
from ..utils.errors import UserError
from ..weights import Checkpoint
from .preprocessing import preprocessing_of

# Of detectron2's own ResNets (its MODEL.PIXEL_MEAN and PIXEL_STD, INPUT.FORMAT "BGR").
_DETECTRON2 = EvalTransform(
    224, (103.53, 116.28, 123.675), (1.0, 1.0, 1.0), channel_order="bgr"
)


def check_pixels(name: str, checkpoint: Checkpoint, given: EvalTransform) -> None:
    """Warns of a training that normalises otherwise than its start expects.

    What is expected is said by a library's network, an export, and the config that
    OpenMMLab keeps in a checkpoint; of detectron2's it is known. Of others nothing is.

    Args:
        name: Of the start, as it was asked for.
        checkpoint: What was read.
        given: What the training shows.
    """
    wanted = _expected(name, checkpoint)
    if wanted is None:
        return
    pairs = ((wanted.mean, given.mean), (wanted.std, given.std))
    alike = all(np.allclose(a, b, atol=1) for a, b in pairs)
    if alike and wanted.channel_order == given.channel_order:
        return
    turned = (
        ""
        if wanted.channel_order == given.channel_order
        else ", and exchange the first and third input channel of the first layer"
    )
    print_log(
        f"{name} expects pixels in {_said(wanted)}, and this training shows "
        f"{_said(given)}: set mean and std of model.data_preprocessor{turned}",
        "current",
        logging.WARNING,
    )


def _expected(name: str, checkpoint: Checkpoint) -> EvalTransform | None:
    if is_library_name(name):
        library, _, network = name.partition(":")
        built = build_body(library, network.partition("=")[0])
        return EvalTransform(224, *pixel_statistics(built.mean, built.std))
    if Path(name).is_dir():
        return ExportInfo.read(name).preprocessing
    if checkpoint.layout == "detectron2":
        return _DETECTRON2
    if not checkpoint.config:
        return None
    try:
        values = parse_dumped_config(checkpoint.config, checkpoint.path)
        return preprocessing_of(Config(values)) if "model" in values else None
    except (UserError, ValueError, TypeError, AttributeError, KeyError):
        return None  # a file of others may say anything there


def _said(pixels: EvalTransform) -> str:
    mean, std = (
        " ".join(f"{value:g}" for value in values)
        for values in (pixels.mean, pixels.std)
    )
    return f"{pixels.channel_order.upper()} less {mean} by {std}"
