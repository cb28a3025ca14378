"""From a config to its search space."""

from collections.abc import Mapping
from typing import Any

from ..utils.families import BadSpace
from .grid_space import GridSpace
from .list_space import ListSpace
from .presets import PRESETS
from .space import SearchSpace

_KINDS = {"grid": GridSpace, "list": ListSpace}


def build_space(config: SearchSpace | str | Mapping[str, Any]) -> SearchSpace:
    """Builds a space from a config value.

    Args:
        config: One of

            * a preset's name: ``'data_bottleneck'``;
            * a preset with arguments:
              ``dict(preset='slimmable_resnet', depth=18, widths=[1, 0.5])``;
            * a grid: ``dict(kind='grid', arch=..., stem=..., widths=..., depths=...)``
              with the other arguments of `GridSpace`;
            * a list: ``dict(kind='list', arch=..., subnets=[...])``, see `ListSpace`;
            * a space, which is returned as it is.

    Raises:
        UserError: The config is none of these, or a value is out of range.
    """
    if isinstance(config, SearchSpace):
        return config
    values = {"preset": config} if isinstance(config, str) else dict(config)
    if ("preset" in values) == ("kind" in values):
        raise BadSpace(
            "a search space needs either preset= or kind='grid' or kind='list', not "
            f"the keys {', '.join(map(str, values)) or 'of an empty dict'}"
        )
    if "preset" in values:
        name, known = values.pop("preset"), PRESETS
    else:
        name, known = values.pop("kind"), _KINDS
    if name not in known:
        raise BadSpace(f"{name!r} is not a search space; known are {', '.join(known)}")
    try:
        return known[name](**values)
    except TypeError as error:
        raise BadSpace(f"search space {name!r}: {error}") from None


def find_backbone(config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Returns the backbone's dict in a config's model, however deep; None if absent.

    Args:
        config: A training config, or any part of one.
    """
    for key, value in config.items():
        if not isinstance(value, Mapping):
            continue
        if key == "backbone":
            return value
        found = find_backbone(value)
        if found is not None:
            return found
    return None
