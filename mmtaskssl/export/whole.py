"""A network without sub-nets as an export: as it is, under its own names."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .. import __version__
from ..config.whole_network import is_whole, whole_network
from ..models.backbones.library import is_library_name
from ..models.backbones.library_backbone import LibraryBackbone
from ..networks import Network
from ..networks.labels import known_labels
from ..registry import MODELS
from ..utils.errors import UserError
from ..utils.families import NetworkMisfit, NotExportable

_TYPES = {"timm": "TimmBackbone", "torchvision": "TorchvisionBackbone"}
# Of necks and heads, finest first.
_STRIDES = (4, 8, 16, 32)
# Pixels; networks of a fixed size are tried with their own.
_SIDE = 64
# Outputs of mmcls' networks are tried in turn.
_MOST_LEVELS = 64
_WRONG = (RuntimeError, AssertionError, ValueError, TypeError, IndexError, KeyError)


def whole_facts(
    network: Network, source: Mapping[str, Any]
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Returns the weights of a network without sub-nets, and what is to be known of it.

    The network is built anew from what a host would build it from, and seen to compute
    the same.

    Args:
        network: Of timm, torchvision or mmcls.
        source: Where the weights come from, for the record.

    Raises:
        UserError: It is of another kind, or computes something that only its own
            training builds.
    """
    config = _config_of(network)
    state = {
        name: value.detach().cpu().contiguous().clone()
        for name, value in network.backbone.state_dict().items()
    }
    built = _built(config, state, network.name)
    side = _side(built, network.preprocessing.image_size)
    output, difference = _compared(built, network.backbone, side, network.name)
    channels, pyramid = _levels(config, built, state, side)
    size = network.preprocessing.image_size
    costs = network.cost(shape=size)
    return state, {
        "network": _name_of(config),
        "macs": costs.macs,
        "params": costs.params,
        "image_size": size,
        "output": {"channels": output.shape[1], "pooled": output.dim() == 2},
        "out_channels": channels,
        "pyramid": pyramid,
        "plain_network": config,
        "preprocessing": network.preprocessing.options(),
        "labels": known_labels(network),
        "difference": difference,
        "network_sha256": network.weights_sha256,
        "source": source,
        "mmtaskssl": __version__,
    }


def _config_of(network: Network) -> dict[str, Any]:
    if is_library_name(network.name) and not network.body:
        library, _, name = network.name.partition(":")
        kind = f"mmtaskssl.{_TYPES[library]}"
        return whole_network({"type": kind, "name": name, "output": "feature"})
    kind = network.body.get("type")
    if not is_whole(kind):
        kind = kind or type(network.backbone).__name__
        raise NotExportable(
            f"the backbone of {network.name} ({kind}) has no sub-nets, and is none of "
            "timm, torchvision or mmcls, which alone are exported without: take "
            "`open_network(...).backbone.state_dict()`"
        )
    try:
        return whole_network(network.body)
    except UserError as error:
        reason = str(error).replace("plain_network", "model.backbone")
        raise NotExportable(f"{network.name} cannot be exported: {reason}") from error


def _name_of(config: Mapping[str, Any]) -> str:
    if "name" in config:
        name = str(config["name"])
    else:
        parts = [config["type"].rpartition(".")[2].lower()]
        given = (config.get(key) for key in ("arch", "depth", "widen_factor"))
        name = "-".join(
            [*parts, *(str(v) for v in given if type(v) in (str, int, float))]
        )
    return re.sub(r"[^A-Za-z0-9._-]", "-", name)


def _built(
    config: Mapping[str, Any], state: Mapping[str, Tensor], name: str
) -> nn.Module:
    try:
        with torch.random.fork_rng(devices=[]):  # construction draws
            built = MODELS.build(dict(config))
        built.load_state_dict(dict(state), strict=True)
    except _WRONG as error:
        raise NotExportable(
            f"{name} cannot be exported: {config['type']} does not take its weights "
            f"({str(error).splitlines()[0]})"
        ) from error
    built.eval()  # of some hosts it returns None
    return built


@torch.no_grad()
def _side(network: nn.Module, own: int) -> int:
    """Returns the side of images that the network takes, pixels."""
    for side in (_SIDE, own):
        try:
            network(torch.zeros(2, 3, side, side))
        except _WRONG:
            continue
        return side
    raise NetworkMisfit(f"the network takes no images of {own} pixels")


@torch.no_grad()
def _compared(
    built: nn.Module, given: nn.Module, side: int, name: str
) -> tuple[Tensor, float]:
    """Returns the output, and the largest difference, relative where it exceeds 1."""
    images = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    one, other = _last(built(images)), _last(given(images.to(_device(given))))
    if one is None or other is None:
        raise NotExportable(
            f"{name} cannot be exported: its output is neither a map nor a vector an "
            "image"
        )
    if one.numel() != other.numel():
        raise RuntimeError(f"the export of {name} has another output: {one.shape}")
    off = (one - other.cpu().reshape(one.shape)).abs().max()
    return one, float(off / one.abs().max().clamp_min(1))


def _last(output: Any) -> Tensor | None:
    while isinstance(output, Sequence) and output:
        if isinstance(output[-1], Sequence):
            return None  # a map beside a token: no head of ours reads both
        output = output[-1]
    fits = isinstance(output, Tensor) and output.dim() in (2, 4)
    return output if fits else None


def _device(network: nn.Module) -> torch.device:
    return next(network.parameters()).device


def _levels(
    config: Mapping[str, Any], built: nn.Module, state: Mapping[str, Tensor], side: int
) -> tuple[list[int], list[int]]:
    """Returns the channels of all maps, and which have strides 4, 8, 16 and 32."""
    maps = _maps(config, built, state, side)
    channels = [0 if x is None else x.shape[1] for x in maps]
    strides = [0 if x is None else round(side / x.shape[-1]) for x in maps]
    pyramid = []
    for stride in _STRIDES:
        if stride not in strides:
            break
        pyramid.append(len(strides) - 1 - strides[::-1].index(stride))
    return channels, pyramid


def _maps(
    config: Mapping[str, Any], built: nn.Module, state: Mapping[str, Tensor], side: int
) -> list[Tensor | None]:
    """Returns a map of each output that the network can be asked for."""
    free = {k: v for k, v in config.items() if k not in ("out_indices", "output")}
    if isinstance(built, LibraryBackbone):
        try:
            found = _run(free, tuple(range(len(built.levels))), state, side)
        except (UserError, *_WRONG):  # it gives none
            return []
        return list(found or [])
    maps: list[Tensor | None] = []
    for index in range(_MOST_LEVELS):
        try:
            found = _run(free, (index,), state, side)
        except _WRONG:
            break
        # Norms of an output's own have no weights here.
        maps.append(None if found is None or found[0].dim() != 4 else found[0])
    return maps


@torch.no_grad()
def _run(
    config: Mapping[str, Any],
    indices: tuple[int, ...],
    state: Mapping[str, Tensor],
    side: int,
) -> tuple[Tensor, ...] | None:
    """Returns maps; None where the network has other weights with these outputs."""
    with torch.random.fork_rng(devices=[]):
        network = MODELS.build({**config, "out_indices": indices})
    network.eval()
    if network.state_dict().keys() != state.keys():
        return None
    outputs = network(torch.zeros(1, 3, side, side))
    whole = len(outputs) == len(indices) and all(isinstance(x, Tensor) for x in outputs)
    return tuple(outputs) if whole else None
