"""What a training's backbone starts from: public weights, or ours."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mmengine.logging import print_log
from torch import nn

from ..config import ExportInfo
from ..datasets.eval_transform import EvalTransform, pixel_statistics
from ..models.algorithms.momentum import MomentumEncoder
from ..models.backbones import ElasticBackbone, ElasticResNet
from ..models.backbones.library import cached_weights, is_library_name
from ..utils.errors import UserError, option
from ..utils.families import ConfigUnsuited, WeightsMismatch
from ..weights import STATISTICS, Checkpoint, load_backbone
from ..weights.backbone import COUNTER, without_heads
from ..weights.finite import check_numbers
from .embed import check_order, embed
from .start_pixels import check_pixels

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
    pixels: EvalTransform | None = None,
) -> Start | None:
    """Loads public weights into a model's backbone, and into its averages.

    Args:
        model: Has a ``backbone``: of any kind for weights of the same network; an
            elastic ResNet for those of any plain one, see `embed`.
        weights: See `weights_file`; "random" changes nothing.
        allow: See `load_backbone`.
        order: See `embed`.
        trust: See `read_checkpoint`.
        pixels: How the training shows its images; None: as the model's preprocessor
            says, if it is ours.

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
        raise ConfigUnsuited(
            f"{type(model).__name__} has no backbone that could start from "
            f"{option('weights')}"
        )
    check_order(order)
    path = weights_file(name)
    checkpoint = Checkpoint.read(path, trust)
    if isinstance(backbone, ElasticBackbone) and not _same_names(backbone, checkpoint):
        start = _embedded(backbone, checkpoint, name, order, allow)
    else:
        heads = getattr(backbone, "heads", ())
        said = load_backbone(backbone, checkpoint, heads=heads, allow=allow)
        keys = frozenset(backbone.state_dict().keys() - set(said.missing))
        start = Start(name, str(path), said.layout, keys)
    for average in (m for m in model.modules() if isinstance(m, MomentumEncoder)):
        average.module[0].load_state_dict(backbone.state_dict())
    views = getattr(model, "data_preprocessor", None)
    if pixels is None and hasattr(views, "statistics"):
        pixels = EvalTransform(224, *pixel_statistics(*views.statistics()))
    if pixels is not None:
        check_pixels(name, checkpoint, pixels)
    print_log(LABELS, "current")
    return start


def _same_names(backbone: nn.Module, checkpoint: Checkpoint) -> bool:
    """Whether a checkpoint is of this elastic network itself.

    A larger plain ResNet has all of its names as well, and more.
    """
    own, theirs = (
        {key: value.shape for key, value in state.items() if not _is_beside(key)}
        for state in (
            backbone.state_dict(),
            without_heads(checkpoint.backbone, backbone.state_dict()),
        )
    )
    return own == theirs


def _is_beside(key: str) -> bool:
    return key.startswith(STATISTICS) or key.endswith(COUNTER)


def _embedded(
    backbone: ElasticBackbone,
    checkpoint: Checkpoint,
    name: str,
    order: str,
    allow: Sequence[str],
) -> Start:
    if not isinstance(backbone, ElasticResNet):
        raise WeightsMismatch(
            f"{checkpoint.path} does not fit a {type(backbone).__name__}: only its own "
            "checkpoints do"
        )
    theirs = checkpoint.backbone
    counted = {k: v for k, v in theirs.items() if not k.endswith(COUNTER)}
    check_numbers(counted, checkpoint.path, "backbone")
    try:
        done = embed(backbone, theirs, order, allow)
    except UserError as error:
        raise error.retold(
            f"{checkpoint.path} ({checkpoint.layout}): {error}"
        ) from error
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
