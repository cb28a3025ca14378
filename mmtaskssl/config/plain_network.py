"""Which networks a file may name: those that exports are."""

import inspect
from collections.abc import Mapping
from typing import Any

from ..models.backbones import SubnetMobileNetV3, SubnetResNet
from ..subnets import Subnet, build_arch
from ..utils.errors import UserError

_CLASSES = {
    f"mmtaskssl.{kind.__name__}": kind for kind in (SubnetResNet, SubnetMobileNetV3)
}
# Of what the classes take, these would build or load something else.
_NOT_FROM_FILES = {"init_cfg", "self", "options", "layouts", "depths"}
_NORMS = {
    "BN": {"eps", "momentum", "affine", "track_running_stats", "requires_grad"},
    "GN": {"group_size", "eps", "affine", "requires_grad"},
}
_NORMS["SyncBN"] = _NORMS["BN"]


def check_plain_network(config: Any) -> dict[str, Any]:
    """Checks the config of a network that a file holds, before it is built.

    mmengine would import and call whatever ``type`` names. Only the plain networks of
    this package are, with arguments that they have and values of plain types.

    Args:
        config: ``type``, ``subnet`` and options, from a JSON file.

    Returns:
        A copy.

    Raises:
        UserError: It names another class or argument, or a value is none of a network.
    """
    if not isinstance(config, Mapping):
        raise UserError("plain_network is no object with keys")
    kind = config.get("type")
    if not isinstance(kind, str) or kind not in _CLASSES:
        raise UserError(
            f"plain_network.type is {kind!r}, none of {', '.join(_CLASSES)}"
        )
    if unknown := sorted(map(str, config.keys() - _arguments(_CLASSES[kind]))):
        raise UserError(f"plain_network.{unknown[0]} is no argument of {kind}")
    for name, value in config.items():
        if name not in ("arch", "norm_cfg") and not _is_plain(value):
            raise UserError(f"plain_network.{name} is no plain value")
    if "subnet" not in config:
        raise UserError("plain_network.subnet is missing")
    Subnet.of(config["subnet"])
    if config.get("arch") is not None:
        _check_arch(config["arch"])
    if config.get("norm_cfg") is not None:
        _check_norm(config["norm_cfg"])
    return dict(config)


def _arguments(kind: type) -> set[str]:
    names = {"type"}
    for base in kind.__mro__:
        if "__init__" in vars(base):
            parameters = inspect.signature(base.__init__).parameters
            names |= parameters.keys()
            if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
                break  # the last that gets what the others hand on
    return names - _NOT_FROM_FILES


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(type(item) in (int, str) for item in value)
    return value is None or isinstance(value, bool | int | float | str)


def _check_arch(arch: Any) -> None:
    if not isinstance(arch, Mapping):
        raise UserError("plain_network.arch is no object with keys")
    build_arch(arch)


def _check_norm(norm: Any) -> None:
    if not isinstance(norm, Mapping) or norm.get("type") not in _NORMS:
        raise UserError(f"plain_network.norm_cfg must be of {', '.join(_NORMS)}")
    for name, value in norm.items():
        if name == "type":
            continue
        if name not in _NORMS[norm["type"]]:
            raise UserError(f"plain_network.norm_cfg.{name} is no argument of a norm")
        if not (value is None or isinstance(value, bool | int | float)):
            raise UserError(f"plain_network.norm_cfg.{name} is no number")
