"""From what a file holds to one flat state dict."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

# Where files keep their weights, those that are asked for first; a path is of keys.
# DINO's authors evaluate the teacher.
_PLACES = (
    "classy_state_dict.base_model.model.trunk",
    "state_dict",
    "model_state_dict",
    "online_network_state_dict",
    "teacher",
    "student",
    "model",
    "network",
    "net",
)


def unwrap(content: Any) -> tuple[dict[str, Tensor], str]:
    """Returns a checkpoint's weights, and where in the file they were.

    Args:
        content: What was read: a state dict, or a mapping that holds one, maybe in
            another. Arrays (of detectron2) become tensors.

    Returns:
        Tensors by name, none if there are none; keys joined by dots.
    """
    place = ""
    while isinstance(content, Mapping):
        found = next((p for p in _PLACES if _at(content, p) is not None), None)
        if found is None:
            break
        content = _at(content, found)
        place = f"{place}.{found}" if place else found
    if not isinstance(content, Mapping):
        return {}, place
    weights = {str(key): _tensor(value) for key, value in content.items()}
    return {key: value for key, value in weights.items() if value is not None}, place


def _at(content: Mapping, place: str) -> Mapping | None:
    value: Any = content
    for key in place.split("."):
        if not isinstance(value, Mapping) or key not in value:
            return None
        value = value[key]
    return value if isinstance(value, Mapping) and value else None


def _tensor(value: Any) -> Tensor | None:
    if isinstance(value, Tensor):
        return value
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return torch.from_numpy(value.copy())
    return None
