"""Backbones that hide parts of an image in training, made to see all of it."""

import inspect
from typing import TypeVar

from torch import nn

_Backbone = TypeVar("_Backbone", bound=nn.Module)

# Where OpenMMLab keeps the backbones of masked image modelling, and those, without a
# mask, that they are made from.
_MASKED = ("mmselfsup.models.", "mmpretrain.models.selfsup.")
_WHOLE = ("mmcls.models.backbones.", "mmpretrain.models.backbones.")
# How such a class makes its mask, if it is not an argument.
_MASKS = ("random_masking", "attention_masking")


def seeing_whole_images(backbone: _Backbone) -> _Backbone:
    """Lets a backbone compute features of whole images.

    Those of MAE, PixMIM, EVA, MILAN, CAE, BEiT, MaskFeat, SimMIM and MixMIM take a mask
    or draw one, also in evaluation, and return it beside tokens in another order. Each
    is a plain vision transformer with the same weights, whose forward is put in its
    place. Their objectives hardly train a class token (in MaskFeat, BEiT and SimMIM no
    loss reads it), so the feature is the mean over the last map; MAE (arXiv 2111.06377,
    appendix A) says that both serve.

    Args:
        backbone: Any; one that hides nothing is left as it is.

    Returns:
        The same module, changed in place; its weights keep their names.
    """
    kind = type(backbone)
    plain = _plain_kind(kind)
    if plain is not None:
        body = {"forward": plain.forward, "__doc__": plain.__doc__}
        # The module's own name: messages and records say what was configured.
        backbone.__class__ = type(kind.__name__, (kind,), body)
        if getattr(backbone, "output_cls_token", False):
            backbone.output_cls_token = False
    return backbone


def hides_parts(backbone: nn.Module) -> bool:
    """Whether a backbone masks images, so that `seeing_whole_images` changes it."""
    return _plain_kind(type(backbone)) is not None


def _plain_kind(kind: type[nn.Module]) -> type[nn.Module] | None:
    """Returns the class whose forward hides nothing; None: that is its own already."""
    if not kind.__module__.startswith(_MASKED) or "forward" not in vars(kind):
        return None
    names = inspect.signature(kind.forward).parameters
    masked = any("mask" in n or n == "importance" for n in names)
    if not masked and not any(hasattr(kind, name) for name in _MASKS):
        return None
    bases = (base for base in kind.__mro__ if base.__module__.startswith(_WHOLE))
    return next((base for base in bases if "forward" in vars(base)), None)
