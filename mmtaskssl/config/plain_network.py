"""Which networks a file may name: those that exports are."""

from collections.abc import Mapping
from typing import Any

from ..models.backbones import SubnetMobileNetV3, SubnetResNet
from ..subnets import Subnet, build_arch
from ..utils.families import UnknownNetwork
from .whole_network import arguments_of, check_whole_network, is_whole

_CLASSES = {
    f"mmtaskssl.{kind.__name__}": kind for kind in (SubnetResNet, SubnetMobileNetV3)
}
_NORMS = {
    "BN": {"eps", "momentum", "affine", "track_running_stats", "requires_grad"},
    "GN": {"group_size", "eps", "affine", "requires_grad"},
}
_NORMS["SyncBN"] = _NORMS["BN"]


def check_plain_network(config: Any) -> dict[str, Any]:
    """Checks the config of a network that a file holds, before it is built.

    mmengine would import and call whatever ``type`` names. Only the plain networks of
    this package and networks of others that it knows (see `check_whole_network`) are,
    with arguments that they have and values of plain types.

    Args:
        config: ``type``, ``subnet`` and options, from a JSON file.

    Returns:
        A copy.

    Raises:
        UserError: It names another class or argument, or a value is none of a network.
    """
    if not isinstance(config, Mapping):
        raise UnknownNetwork("plain_network is no object with keys")
    kind = config.get("type")
    if is_whole(kind):
        return check_whole_network(config)
    if not isinstance(kind, str) or kind not in _CLASSES:
        raise UnknownNetwork(
            f"plain_network.type is {kind!r}, none of {', '.join(_CLASSES)}, nor a "
            "network of timm, torchvision or mmcls"
        )
    if unknown := sorted(map(str, config.keys() - arguments_of(_CLASSES[kind]))):
        raise UnknownNetwork(f"plain_network.{unknown[0]} is no argument of {kind}")
    for name, value in config.items():
        if name not in ("arch", "norm_cfg") and not _is_plain(value):
            raise UnknownNetwork(f"plain_network.{name} is no plain value")
    if "subnet" not in config:
        raise UnknownNetwork("plain_network.subnet is missing")
    Subnet.of(config["subnet"])
    if config.get("arch") is not None:
        _check_arch(config["arch"])
    if config.get("norm_cfg") is not None:
        _check_norm(config["norm_cfg"])
    return dict(config)


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(type(item) in (int, str) for item in value)
    return value is None or isinstance(value, bool | int | float | str)


def _check_arch(arch: Any) -> None:
    if not isinstance(arch, Mapping):
        raise UnknownNetwork("plain_network.arch is no object with keys")
    build_arch(arch)


def _check_norm(norm: Any) -> None:
    if not isinstance(norm, Mapping) or norm.get("type") not in _NORMS:
        raise UnknownNetwork(f"plain_network.norm_cfg must be of {', '.join(_NORMS)}")
    for name, value in norm.items():
        if name == "type":
            continue
        if name not in _NORMS[norm["type"]]:
            raise UnknownNetwork(
                f"plain_network.norm_cfg.{name} is no argument of a norm"
            )
        if not (value is None or isinstance(value, bool | int | float)):
            raise UnknownNetwork(f"plain_network.norm_cfg.{name} is no number")
