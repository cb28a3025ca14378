"""Which labels the weights of a network know of."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..models.backbones.library import is_library_name
from ..models.backbones.library_backbone import library_config
from .network import Network

# What the tags of timm's names say of the images, and so of the labels.
_LABELS = {
    "in1k": "ImageNet-1k",
    "in21k": "ImageNet-21k",
    "in22k": "ImageNet-22k",
    "in12k": "ImageNet-12k",
}


def known_labels(network: Network) -> str | None:
    """Returns which labels the weights of an opened network know of.

    Its own name says so, or its training's: what it started from, and its teachers.

    Args:
        network: Any.

    Returns:
        "none" of weights that were drawn, and as far as the config says of a training
        that saw no labels; None where it cannot be told.
    """
    cfg = network.config
    if cfg is None or not network.trained:
        return labels_of(network.name, network.trained)
    if isinstance(cfg.get("labels"), str):  # of an export
        return cfg.labels
    model = cfg.get("model") or {}
    if not cfg.get("train_cfg"):  # a network, and not how it was trained
        return None
    if "num_classes" in (model.get("head") or {}) or cfg.get("load_from"):
        return None
    found = [_labels(name) for name in _sources(cfg, model)]
    if None in found:
        return None
    known = [text for text in found if text not in (None, "none")]
    return "; ".join(dict.fromkeys(known)) or "none, as far as its config says"


def _sources(cfg: Mapping[str, Any], model: Mapping[str, Any]) -> Iterator[Any]:
    """Yields the names of what a training began from and learned from."""
    backbone = model.get("backbone") or {}
    own = backbone.get("weights")
    if own == "default" and library_config(backbone):
        own = f"{library_config(backbone)}:{backbone.get('name')}"
    yield from (cfg.get("weights"), own)
    init = backbone.get("init_cfg")
    if isinstance(init, Mapping):
        yield init.get("checkpoint")
    distill = model.get("distill") or ()
    for part in [distill] if isinstance(distill, Mapping) else distill:
        teacher = part.get("teacher") or {}
        if str(teacher.get("type")).rpartition(".")[2] != "StartTeacher":
            yield teacher.get("labels") or teacher.get("network", "a store")


def _labels(source: Any) -> str | None:
    if source in (None, "random"):
        return "none"
    name = str(source)
    return labels_of(name.partition("=")[0], True) if is_library_name(name) else None


def labels_of(network: str, trained: bool) -> str | None:
    """Returns which labels a network was trained with, as far as its name says.

    Args:
        network: Such as ``timm:resnet50.a1_in1k``.
        trained: Whether its weights are not drawn.
    """
    if not trained:
        return "none"
    library, _, name = network.partition(":")
    found = _tagged(name)
    if found is None and library == "timm":
        found = _tagged(_default_tag(name))
    if found is None and library == "torchvision":
        found = "ImageNet-1k"
    return found and f"{found}, if they are {library}'s own weights"


def _tagged(text: str) -> str | None:
    tags = [_LABELS[t] for t in re.split(r"[._]", text) if t in _LABELS]
    return " and ".join(dict.fromkeys(tags)) or None


def _default_tag(name: str) -> str:
    import timm

    config = timm.get_pretrained_cfg(name)
    return str(config and config.tag)
