"""A plain ResNet's weights in an elastic one: sliced, or as one of its sub-nets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..models.backbones import ElasticResNet, SubnetResNet
from ..models.elastic import SwitchableBatchNorm2d, Units, channel_indices
from ..subnets import ResNetArch, Subnet, arch_to_dict
from ..utils.errors import UserError
from ..utils.families import BadValue, OptionConflict, WeightsMismatch
from ..weights.whole import differing
from .importance import by_importance
from .plain import shape_of

_OF_NORM = ("weight", "bias", "running_mean", "running_var")
# As many paths get statistics of their own at once.
_MOST_PATHS = 512


@dataclass(frozen=True)
class Embedded:
    """What an elastic network took from a plain one.

    Attributes:
        subnet: The sub-net that computes what the plain network does; None: the plain
            one is larger, and was sliced.
        whole: Names of the parameters that were taken in full.
        drawn: Names of convolutions of which nothing was taken.
    """

    subnet: str | None
    whole: frozenset[str]
    drawn: tuple[str, ...]


@torch.no_grad()
def embed(
    backbone: ElasticResNet,
    state: Mapping[str, Tensor],
    order: str = "leading",
    allow: Sequence[str] = (),
) -> Embedded:
    """Writes a plain ResNet's weights into an elastic one.

    A plain ResNet no larger than MAX is a sub-net: its weights go to the channels and
    blocks that this sub-net runs, so that it computes bit for bit what the file's
    network does; all others keep what was drawn. Of a larger one the first blocks of
    each stage are taken, and of each layer the first channels, or with
    ``order="importance"`` those with the largest batch-norm scales (`by_importance`).
    In a routed network whose paths are plain ResNets ("export"), every path is the
    file's.

    Switchable batch norms each take the scales and statistics of the channels that
    they normalise. The statistics of a sub-net that shares its norms are kept beside,
    as calibration keeps them, until training moves the weights.

    Args:
        backbone: Changed in place.
        state: By torchvision's names, without classifier.
        order: See `check_order`.
        allow: Patterns (regular expressions, from a key's beginning) of keys that a
            plain ResNet has and the file lacks, or the other way round.

    Raises:
        UserError: Another kind of block or stem, of norms, or another number of stages;
            or a network that has more, less or other layers than a plain ResNet.
    """
    check_order(order)
    stock, arch = _shape(state)
    _check(backbone, stock, arch)
    differs = _differences(state, stock, arch, allow)
    if differs and order == "importance":
        raise OptionConflict(
            "channels are ordered by importance where no weights differ"
        )
    state = {key: value for key, value in state.items() if key not in differs}
    layout = backbone.layout(backbone.space.max)
    for name in backbone.switches:
        layout = {**backbone.layout(name), **layout}
    smaller = _is_smaller(backbone, stock, layout, state)
    if not smaller and order == "importance":
        state = by_importance(state)
    whole, drawn = set(), []
    for name, unit in layout.items():
        if f"{name}.weight" not in state:
            drawn.append(name)
            continue
        conv = backbone.get_submodule(unit.conv)
        theirs = state[f"{name}.weight"]
        rows = _sources(backbone, name, conv.weight.shape[0], theirs.shape[0])
        columns = _sources(backbone, name, conv.weight.shape[1], theirs.shape[1])
        _write_conv(conv.weight, theirs, rows, columns)
        if (rows >= 0).all() and (columns >= 0).all():
            whole |= {f"{name}.weight", f"{unit.norm}.weight", f"{unit.norm}.bias"}
        _write_norms(backbone, name, unit.norm, state, rows)
    subnet = _subnet_of(backbone, stock) if smaller and not differs else None
    _keep_statistics(backbone, subnet, state)
    return Embedded(subnet and subnet.name, frozenset(whole), tuple(drawn))


def check_order(order: str) -> None:
    """Refuses an unknown order of the channels that are taken of a larger network.

    Args:
        order: "leading" or "importance".

    Raises:
        UserError: It is neither.
    """
    if order not in ("leading", "importance"):
        raise BadValue(f"order must be leading or importance, not {order!r}")


def _shape(state: Mapping[str, Tensor]) -> tuple[Subnet, ResNetArch]:
    try:
        return shape_of(state)
    except KeyError as error:
        raise WeightsMismatch(
            f"only a plain ResNet goes into an elastic one: there is no {error.args[0]}"
        ) from error


def _check(backbone: ElasticResNet, stock: Subnet, arch: ResNetArch) -> None:
    ours = backbone.arch
    if (ours.block, ours.stem_kernel) != (arch.block, arch.stem_kernel):
        raise WeightsMismatch(
            f"the file is of a ResNet of {arch.block} blocks with a stem of "
            f"{arch.stem_kernel} px, the network of {ours.block} blocks with one of "
            f"{ours.stem_kernel} px"
        )
    if len(stock.widths) != len(backbone.space.max.widths):
        raise WeightsMismatch(
            f"the file is of a ResNet of {len(stock.widths)} stages, the network of "
            f"{len(backbone.space.max.widths)}"
        )
    if backbone.norm_cfg["type"] == "GN":
        raise WeightsMismatch("the file has batch norms, the network group norms")


def _differences(
    state: Mapping[str, Tensor], stock: Subnet, arch: ResNetArch, allow: Sequence[str]
) -> set[str]:
    """Compares a file with the plain ResNet of its own shape, layer by layer.

    Groups, squeeze and excitation, wide blocks or grey images change neither the names
    nor the first dimension of the weights that say the shape.

    Returns:
        Keys that are allowed to differ, and do.
    """
    with torch.device("meta"):
        plain = SubnetResNet(stock.name, arch=arch_to_dict(arch)).state_dict()
    if found := differing(plain, state, allow):
        raise WeightsMismatch(
            "only a plain ResNet goes into an elastic one, and compared with a plain "
            f"{stock.name} {found.reason(plain, state)}"
        )
    every = differing(plain, state)
    return {*every.missing, *every.unlike, *every.surplus}


def _is_smaller(
    backbone: ElasticResNet,
    stock: Subnet,
    layout: Units,
    state: Mapping[str, Tensor],
) -> bool:
    """Whether nothing of the file is left out."""
    depths = zip(stock.depths, backbone.space.max.depths, strict=True)
    if any(theirs > ours for theirs, ours in depths):
        return False
    for name in layout:
        theirs = state.get(f"{name}.weight")
        ours = backbone.get_submodule(name).weight
        if theirs is not None and any(
            a > b for a, b in zip(theirs.shape, ours.shape, strict=True)
        ):
            return False
    return True


def _sources(backbone: ElasticResNet, name: str, ours: int, theirs: int) -> Tensor:
    """Returns for each of our channels the file's, -1 for none.

    Each group of a routed stage is another copy, where a path is the file's network.
    """
    channels = torch.arange(ours)
    routes = backbone.arch.routes
    if routes is not None and name.startswith("layer"):
        stage = int(name.split(".")[0].removeprefix("layer")) - 1
        shared, group = routes.shared[stage], routes.group[stage]
        if theirs == shared + group and ours == shared + group * routes.groups[stage]:
            copies = shared + (channels - shared) % group
            return torch.where(channels < shared, channels, copies)
    return torch.where(channels < theirs, channels, -1)


def _write_conv(weight: Tensor, theirs: Tensor, rows: Tensor, columns: Tensor) -> None:
    to_rows, to_columns = (torch.nonzero(s >= 0).squeeze(1) for s in (rows, columns))
    part = theirs[rows[to_rows]][:, columns[to_columns]].to(weight)
    weight[to_rows[:, None], to_columns[None]] = part


def _write_norms(
    backbone: ElasticResNet,
    name: str,
    norm_name: str,
    state: Mapping[str, Tensor],
    rows: Tensor,
) -> None:
    norm = backbone.get_submodule(norm_name)
    if not isinstance(norm, SwitchableBatchNorm2d):
        _write_norm(norm, norm_name, state, rows)
        return
    for subnet, switch in backbone.switches.items():
        unit = backbone.layout(subnet).get(name)
        if unit is not None:
            indices = torch.tensor(channel_indices(unit.out))
            _write_norm(norm[switch], norm_name, state, rows[indices])


def _write_norm(
    norm: nn.Module, name: str, state: Mapping[str, Tensor], rows: Tensor
) -> None:
    places = torch.nonzero(rows >= 0).squeeze(1)
    for key in _OF_NORM:
        if f"{name}.{key}" not in state:  # which somebody allowed
            continue
        mine, theirs = getattr(norm, key), state[f"{name}.{key}"]
        mine[places] = theirs[rows[places]].to(mine)


def _subnet_of(backbone: ElasticResNet, stock: Subnet) -> Subnet | None:
    try:
        return backbone.space.resolve(stock)
    except UserError:
        pass
    if backbone.arch.routes is None or len(backbone.space) > _MOST_PATHS:
        return None
    for one in (backbone.space.max, *backbone.space):  # the whole of a routed one, or
        same = (one.stem, one.depths) == (stock.stem, stock.depths)  # each of its paths
        if same and tuple(backbone.arch.inner_widths(one)) == stock.widths:
            return one
    return None


def _keep_statistics(
    backbone: ElasticResNet, subnet: Subnet | None, state: Mapping[str, Tensor]
) -> None:
    """Keeps the file's for sub-nets that share norms and compute what it does."""
    subnets = [] if subnet is None else [subnet]
    routes = backbone.arch.routes
    if routes is not None and len(backbone.space) <= _MOST_PATHS:
        subnets += list(backbone.space)
    for one in subnets:
        if not backbone.needs_calibration(one):
            continue
        parts = []
        for unit in backbone.layout(one).values():
            moments = [
                state.get(f"{unit.norm}.running_{key}") for key in ("mean", "var")
            ]
            if moments[0] is None or len(moments[0]) != len(channel_indices(unit.out)):
                break
            parts.append(torch.stack(moments).float())
        else:
            parameter = next(backbone.parameters())
            backbone.subnet_statistics.set(one.name, torch.cat(parts, 1).to(parameter))
