"""Networks from torchvision and timm, with weights that the user has."""

from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from ..datasets.eval_transform import EvalTransform, pixel_statistics
from ..utils.errors import UserError, option
from ..weights import load_state_dict, load_weights

_LIBRARIES = ("torchvision", "timm")
# What torchvision's families call the classifier that follows the pooled feature.
_HEADS = ("fc", "classifier", "heads", "head")


class LibraryModel(NamedTuple):
    """A network without its classifier, the images it expects, its weights' file."""

    body: nn.Module
    preprocessing: EvalTransform
    weights: str | Path | None


def is_library_name(name: str) -> bool:
    """Tells ``torchvision:resnet18`` from a config's path."""
    return name.split(":", 1)[0] in _LIBRARIES and ":" in name


def build(name: str, weights: str | Path | None, trust: bool = False) -> LibraryModel:
    """Builds ``torchvision:NAME`` or ``timm:NAME`` without its classifier.

    Nothing is downloaded.

    Args:
        name: The library and the model.
        weights: A file; "default" for torchvision's own weights, if its download
            cache holds them; None for random ones.
        trust: See `load_state_dict`.

    Raises:
        UserError: An unknown model, a library that is not installed, weights that
            are absent or belong to another architecture.
    """
    library, _, model = name.partition(":")
    if library == "torchvision":
        return _torchvision(model, weights, trust)
    return _timm(model, weights, trust)


def _torchvision(name: str, weights: str | Path | None, trust: bool) -> LibraryModel:
    from torchvision import models

    try:
        # Only the classifiers: detectors and segmenters return no feature.
        if name not in models.list_models(module=models):
            raise ValueError(name)
        builder = models.get_model_builder(name)
    except ValueError as error:
        raise UserError(
            f"torchvision has no classification model {name!r}: see "
            "torchvision.models.list_models()"
        ) from error
    options = {}
    if name in ("googlenet", "inception_v3"):
        options = {"aux_logits": True, "init_weights": True}
    body = builder(weights=None, **options)
    head = next(key for key in _HEADS if hasattr(body, key))
    setattr(body, head, nn.Identity())
    if weights == "default":
        weights = _torchvision_cache(models.get_model_weights(name).DEFAULT.url)
    if weights is not None:
        _load(body, name, weights, trust, (head,))
    return LibraryModel(body, EvalTransform(224), weights)


def _torchvision_cache(url: str) -> Path:
    path = Path(torch.hub.get_dir(), "checkpoints", url.rsplit("/", 1)[1])
    if not path.is_file():
        raise UserError(
            f"torchvision's weights are not at hand: download {url} and name the file "
            f"with {option('weights')}"
        )
    return path


def _timm(name: str, weights: str | Path | None, trust: bool) -> LibraryModel:
    try:
        import timm
    except ImportError as error:
        raise UserError(f"timm:{name} needs: pip install timm") from error
    if weights == "default":
        raise UserError(
            f"timm:{name} needs a weights file: name one with {option('weights')}"
        )
    try:
        body = timm.create_model(name, pretrained=False, num_classes=0)
    except (RuntimeError, ValueError, TypeError) as error:
        raise UserError(f"timm cannot build {name!r} ({error})") from error
    cfg = body.pretrained_cfg
    if weights is not None:
        heads = cfg.get("classifier") or ()
        heads = (heads,) if isinstance(heads, str) else tuple(heads)
        _load(body, name, weights, trust, heads)
    mean, std = pixel_statistics(cfg["mean"], cfg["std"])
    return LibraryModel(body, EvalTransform(cfg["input_size"][-1], mean, std), weights)


def _load(
    body: nn.Module, name: str, weights: str | Path, trust: bool, heads: tuple[str, ...]
) -> None:
    """Loads a file's weights, but those of the classifiers that ``body`` lacks."""
    load_weights(
        body,
        load_state_dict(weights, trust),
        ("",),
        source=str(weights),
        what=name,
        ignore=tuple(f"{head}." for head in heads),
    )
