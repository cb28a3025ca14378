"""What a training's backbone starts from: public weights, or ours."""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from mmengine.logging import print_log
from torch import nn

from ..config import ExportInfo
from ..datasets.eval_transform import pixel_statistics
from ..models.algorithms.momentum import MomentumEncoder
from ..models.backbones import ElasticBackbone, ElasticResNet
from ..models.backbones.library import (
    build_body,
    cached_weights,
    is_library_name,
)
from ..utils.errors import UserError, option
from ..weights import STATISTICS, Checkpoint, load_backbone
from ..weights.finite import no_numbers
from .embed import embed

RANDOM = "random"
LABELS = (
    "these weights may have been trained with labels: where a target's classes are "
    "among them (imagenette's are ImageNet's), a result knows of labels"
)


@dataclass(frozen=True)
class Start:
    """What a backbone started from.

    Attributes:
        name: As it was asked for.
        path: The file.
        layout: Whose file it is.
        loaded: Keys of the backbone that were loaded, whole.
        subnet: Of an elastic network, the sub-net that the file's network is.
        note: What a reader of results has to know.
    """

    name: str
    path: str
    layout: str
    loaded: frozenset[str] = field(repr=False)
    subnet: str | None = None
    note: str = LABELS


def weights_file(weights: str | os.PathLike) -> Path:
    """Returns the file that a name of weights means.

    Args:
        weights: A file, an export's folder, ``torchvision:NAME``, ``timm:NAME`` (the
            library's own, of its download cache or an installed package), or either
            with ``=FILE``.

    Raises:
        UserError: There is none.
    """
    name = os.fspath(weights)
    if is_library_name(name):
        library, _, model = name.partition(":")
        model, _, file = model.partition("=")
        return Path(file) if file else cached_weights(library, model)
    path = Path(name)
    if path.is_dir():
        found = ExportInfo.read(path).weights
        assert found is not None
        return found
    return path


def start_from(
    model: nn.Module,
    weights: str | os.PathLike,
    *,
    allow: Sequence[str] = (),
    order: str = "leading",
    trust: bool | None = None,
) -> Start | None:
    """Loads public weights into a model's backbone, and into its averages.

    Args:
        model: Has a ``backbone``: of any kind for weights of the same network; an
            elastic ResNet for those of any plain one, see `embed`.
        weights: See `weights_file`; "random" changes nothing.
        allow: See `load_backbone`.
        order: See `embed`.
        trust: See `read_checkpoint`.

    Returns:
        What was loaded; None of "random".

    Raises:
        UserError: No such weights, or those of another architecture.
    """
    name = os.fspath(weights)
    if name == RANDOM:
        return None
    backbone = getattr(model, "backbone", None)
    if not isinstance(backbone, nn.Module):
        raise UserError(
            f"{type(model).__name__} has no backbone that could start from "
            f"{option('weights')}"
        )
    path = weights_file(name)
    checkpoint = Checkpoint.read(path, trust)
    if isinstance(backbone, ElasticBackbone) and not _same_names(backbone, checkpoint):
        start = _embedded(backbone, checkpoint, name, order)
    else:
        heads = getattr(backbone, "heads", ())
        said = load_backbone(backbone, checkpoint, heads=heads, allow=allow)
        keys = frozenset(backbone.state_dict().keys() - set(said.missing))
        start = Start(name, str(path), said.layout, keys)
    for average in (m for m in model.modules() if isinstance(m, MomentumEncoder)):
        average.module[0].load_state_dict(backbone.state_dict())
    _check_pixels(model, name)
    print_log(LABELS, "current")
    return start


def _same_names(backbone: nn.Module, checkpoint: Checkpoint) -> bool:
    """Whether a checkpoint is of this elastic network itself."""
    own, theirs = backbone.state_dict(), checkpoint.backbone
    return all(
        key in theirs and theirs[key].shape == value.shape
        for key, value in own.items()
        if not key.startswith(STATISTICS)
    )


def _embedded(
    backbone: ElasticBackbone, checkpoint: Checkpoint, name: str, order: str
) -> Start:
    if not isinstance(backbone, ElasticResNet):
        raise UserError(
            f"{checkpoint.path} does not fit a {type(backbone).__name__}: only its own "
            "checkpoints do"
        )
    theirs = checkpoint.backbone
    if bad := [k for k, v in theirs.items() if not bool(v.isfinite().all())]:
        raise no_numbers(checkpoint.path, "backbone", bad, len(theirs))
    try:
        done = embed(backbone, checkpoint.backbone, order)
    except UserError as error:
        raise UserError(f"{checkpoint.path} ({checkpoint.layout}): {error}") from error
    count = sum(key.endswith(".weight") for key in checkpoint.backbone)
    what = (
        f"it is its sub-net {done.subnet}"
        if done.subnet
        else "none of its sub-nets computes the same"
    )
    drawn = f"; {len(done.drawn)} convolutions are drawn" if done.drawn else ""
    print_log(
        f"{count} layers of {checkpoint.path} ({checkpoint.layout}) went into the "
        f"elastic network: {what}{drawn}",
        "current",
    )
    return Start(name, checkpoint.path, checkpoint.layout, done.whole, done.subnet)


def _check_pixels(model: nn.Module, name: str) -> None:
    """Says so where views are normalised otherwise than a library's weights expect."""
    views = getattr(model, "data_preprocessor", None)
    if not is_library_name(name) or not hasattr(views, "scale"):
        return
    library, _, network = name.partition(":")
    built = build_body(library, network.partition("=")[0])
    wanted = pixel_statistics(built.mean, built.std)
    mean, std = -views.bias / views.scale, 1 / views.scale
    given = [mean.flatten().tolist(), std.flatten().tolist()]
    if not np.allclose(given, wanted, atol=1):
        print_log(
            f"{name} expects pixels less {wanted[0]} by {wanted[1]}: set mean and std "
            "of model.data_preprocessor",
            "current",
            logging.WARNING,
        )
