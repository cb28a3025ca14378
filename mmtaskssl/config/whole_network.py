"""Networks of others that a file may name: of timm, torchvision and mmcls."""

import inspect
from collections.abc import Mapping
from typing import Any

from ..models.backbones.library_backbone import library_config
from ..utils.families import UnknownNetwork

_MMCLS = "mmcls."
# Of what the classes take, these would build or load something else.
_NOT_FROM_FILES = {
    *("self", "options", "layouts", "depths", "args", "kwargs"),
    *("init_cfg", "pretrained", "checkpoint_path"),
}
# Options of a library's builder that say what a network computes, and read nothing.
_OF_LIBRARIES = {
    *("type", "name", "output", "out_indices", "output_stride", "in_chans"),
    *("img_size", "patch_size", "image_size", "dynamic_img_size", "global_pool"),
    *("drop_rate", "drop_path_rate", "attn_drop_rate", "proj_drop_rate", "dropout"),
    *("stochastic_depth_prob", "width_mult"),
}
# Of a training, not of the network.
_OF_TRAINING = ("weights", "frozen_stages", "norm_eval", "init_cfg", "with_cp")
# What networks of mmcls are made of; mmengine would import other names.
_LAYERS = {
    *("BN", "BN2d", "SyncBN", "GN", "LN", "LN2d", "Conv2d", "Conv2dAdaptivePadding"),
    *("ReLU", "ReLU6", "LeakyReLU", "GELU", "SiLU", "Swish", "Mish", "HSwish"),
    *("HSigmoid", "Sigmoid", "DropPath"),
}


def is_whole(kind: Any) -> bool:
    """Whether a type is of a network that is exported as it is, without sub-nets.

    Args:
        kind: A config's ``type``.
    """
    if not isinstance(kind, str):
        return False
    return kind.startswith(_MMCLS) or bool(library_config({"type": kind}))


def whole_network(config: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what a backbone's config says of the network, and not of its training.

    Args:
        config: Of a `TimmBackbone`, a `TorchvisionBackbone` or one of mmcls.

    Raises:
        UserError: See `check_whole_network`.
    """
    kind = str(config["type"])
    if library_config(config):
        kind = f"mmtaskssl.{kind.rpartition('.')[2]}"
    left_out = (*_OF_TRAINING, "type", "_scope_")
    rest = {key: _plain(v) for key, v in config.items() if key not in left_out}
    return check_whole_network({"type": kind, **rest})


def check_whole_network(config: Mapping[str, Any]) -> dict[str, Any]:
    """Checks the config of a network of others before it is built.

    Args:
        config: ``type`` and options.

    Returns:
        A copy.

    Raises:
        UserError: It names another class, argument or layer, or a value is not plain.
    """
    kind = config["type"]
    if library_config(config):
        known = _OF_LIBRARIES
        name = config.get("name")
        if not isinstance(name, str) or ":" in name or "/" in name:
            raise UnknownNetwork(
                f"plain_network.name is no name of a network: {name!r}"
            )
    else:
        known = arguments_of(_of_mmcls(kind))
    if unknown := sorted(map(str, config.keys() - known)):
        raise UnknownNetwork(f"plain_network.{unknown[0]} is no argument of {kind}")
    for name, value in config.items():
        _check_value(f"plain_network.{name}", value)
    return dict(config)


def arguments_of(kind: type) -> set[str]:
    """Returns the arguments of a network's class that a file may give, and ``type``.

    Args:
        kind: The class.
    """
    names = {"type"}
    for base in kind.__mro__:
        if "__init__" in vars(base):
            parameters = inspect.signature(base.__init__).parameters
            names |= parameters.keys()
            if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
                break  # the last that gets what the others hand on
    return names - _NOT_FROM_FILES


def takes(config: Mapping[str, Any], argument: str) -> bool:
    """Whether a network has an argument for its training.

    Args:
        config: For which `is_whole` holds.
        argument: Such as ``frozen_stages``.
    """
    if library_config(config):
        return argument in _OF_TRAINING
    return argument in arguments_of(_of_mmcls(config["type"]))


def _of_mmcls(kind: str) -> type:
    from mmcls.models import backbones  # late: it imports all of them

    name = kind.removeprefix(_MMCLS)
    # That one builds, and fetches, what timm is told to.
    if name not in backbones.__all__ or name == "TIMMBackbone":
        raise UnknownNetwork(f"plain_network.type is {kind!r}, no backbone of mmcls")
    return getattr(backbones, name)


def _check_value(place: str, value: Any) -> None:
    if isinstance(value, Mapping):
        if "type" in value and value["type"] not in _LAYERS:
            raise UnknownNetwork(
                f"{place}.type is {value['type']!r}, none of the layers"
            )
        for key, item in value.items():
            _check_value(f"{place}.{key}", item)
    elif isinstance(value, list | tuple):
        for item in value:
            _check_value(place, item)
    elif not (value is None or isinstance(value, bool | int | float | str)):
        raise UnknownNetwork(f"{place} is no plain value")


def _plain(value: Any) -> Any:
    """Returns a value as JSON has it."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items() if key != "_scope_"}
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value
