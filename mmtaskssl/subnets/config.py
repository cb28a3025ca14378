"""From a config to its search space."""

from collections.abc import Mapping
from typing import Any

from ..utils.errors import UserError
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
        raise UserError(
            "a search space needs either preset= or kind='grid' or kind='list', not "
            f"the keys {', '.join(map(str, values)) or 'of an empty dict'}"
        )
    if "preset" in values:
        name, known = values.pop("preset"), PRESETS
    else:
        name, known = values.pop("kind"), _KINDS
    if name not in known:
        raise UserError(f"{name!r} is not a search space; known are {', '.join(known)}")
    try:
        return known[name](**values)
    except TypeError as error:
        raise UserError(f"search space {name!r}: {error}") from None


def find_space(config: Mapping[str, Any]) -> SearchSpace | None:
    """Builds the space that a whole config names.

    Args:
        config: A config with ``space`` at its top, or a training config with a
            ``space`` in its ``model.backbone``, however deep that lies.

    Returns:
        The space, or None where the config names none.

    Raises:
        UserError: The space that it names cannot be built.
    """
    if config.get("space") is not None:
        return build_space(config["space"])
    for key, value in config.items():
        if key in ("model", "backbone") or "backbone" in _keys(value):
            space = find_space(value) if isinstance(value, Mapping) else None
            if space is not None:
                return space
    return None


def _keys(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
