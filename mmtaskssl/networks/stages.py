"""Where a network can be cut: behind its stem, and behind each of its stages."""

import itertools

from torch import nn

from ..models.backbones import SubnetMobileNetV3
from ..utils.families import NetworkMisfit


def cut_stages(network: nn.Module) -> list[nn.Module]:
    """Cuts a plain network into its stem and its stages.

    Run one after the other they compute the last feature map (N, C, H, W) of an image
    (N, 3, H, W); the parts are the network's own modules.

    Args:
        network: A sub-net's plain network, or a ResNet of torchvision or OpenMMLab.

    Raises:
        UserError: It has no stages that follow one another.
    """
    if isinstance(network, SubnetMobileNetV3):
        numbers = range(network.num_stages)
        parts = [network.stem_modules(), *map(network.stage_modules, numbers)]
        parts[0] = [*parts[0], network.activation]
        parts[-1] = [*parts[-1], network.activation]
        return [nn.Sequential(*part) for part in parts]
    stem = _stem(network)
    stages: list[nn.Module] = []
    while hasattr(network, f"layer{len(stages) + 1}"):
        stages.append(network.get_submodule(f"layer{len(stages) + 1}"))
    if stem is None or not stages:
        raise NetworkMisfit(f"a {type(network).__name__} cannot be cut into stages")
    return [stem, *stages]


def cut_blocks(network: nn.Module) -> list[nn.Module]:
    """Cuts a plain ResNet into its stem and its blocks, see `cut_stages`."""
    stem, *stages = cut_stages(network)
    return [stem, *itertools.chain.from_iterable(stages)]


def stage_of(module: str) -> int:
    """Returns which part of `cut_stages` a ResNet's module is in, 0 for the stem.

    Args:
        module: Its name, such as ``layer2.0.conv1``.
    """
    first = module.split(".")[0]
    return int(first.removeprefix("layer")) if first.startswith("layer") else 0


def block_of(module: str) -> str:
    """Returns which block a ResNet's module is in, "" for the stem.

    Args:
        module: Its name, such as ``layer2.0.conv1``, which is in ``layer2.0``.
    """
    return ".".join(module.split(".")[:2]) if stage_of(module) else ""


def _stem(network: nn.Module) -> nn.Module | None:
    deep = getattr(network, "stem", None)
    if isinstance(deep, nn.Module):  # OpenMMLab's ResNets of several convolutions
        parts = [deep, getattr(network, "maxpool", None)]
    else:
        names = ("conv1", ("bn1", "norm1"), ("relu", "act1"), "maxpool")
        parts = [_first(network, name) for name in names]
    if any(part is None for part in parts):
        return None
    return nn.Sequential(*parts)


def _first(network: nn.Module, names: str | tuple[str, ...]) -> nn.Module | None:
    names = (names,) if isinstance(names, str) else names
    return next((getattr(network, n) for n in names if hasattr(network, n)), None)
