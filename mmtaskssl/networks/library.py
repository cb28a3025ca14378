"""Networks from torchvision and timm, with weights that the user has."""

from pathlib import Path
from typing import NamedTuple

from torch import nn

from ..datasets.eval_transform import EvalTransform, pixel_statistics
from ..models.backbones.library import (
    build_body,
    cached_weights,
    is_library_name,
    load_body,
)

__all__ = ["LibraryModel", "build", "is_library_name"]


class LibraryModel(NamedTuple):
    """A network without its classifier, the images it expects, its weights' file."""

    body: nn.Module
    preprocessing: EvalTransform
    weights: str | Path | None


def build(name: str, weights: str | Path | None, trust: bool = False) -> LibraryModel:
    """Builds ``torchvision:NAME`` or ``timm:NAME`` without its classifier.

    Nothing is downloaded.

    Args:
        name: The library and the model.
        weights: A file; "default" for the library's own weights, if its download
            cache holds them; None for random ones.
        trust: See `load_state_dict`.

    Raises:
        UserError: An unknown model, a library that is not installed, weights that
            are absent or belong to another architecture.
    """
    library, _, model = name.partition(":")
    built = build_body(library, model)
    if weights == "default":
        weights = cached_weights(library, model)
    if weights is not None:
        load_body(built, model, weights, trust)
    pixels = EvalTransform(built.size, *pixel_statistics(built.mean, built.std))
    return LibraryModel(built.network, pixels, weights)
