"""The model itself, within what lets several processes train it."""

from mmengine.model import is_model_wrapper
from torch import nn


def unwrapped(model: nn.Module) -> nn.Module:
    """Returns the model that a wrapper such as DDP holds; any other as it is."""
    return model.module if is_model_wrapper(model) else model
