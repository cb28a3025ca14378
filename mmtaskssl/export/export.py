"""From a network to exports: the verb."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from ..models.backbones.elastic_backbone import SubnetLike
from ..models.elastic import uncalibrated
from ..networks import Network, NetworkLike, has_subnets, open_network
from ..networks.choice import choose_subnets
from ..runs import State
from ..subnets import Subnet
from ..utils import checks
from ..utils.families import NoSubnets
from .bundle import make_export, make_whole
from .exported import Exports, Format


def export(
    network: NetworkLike,
    subnets: SubnetLike | Sequence[SubnetLike] | Literal["all"] = "all",
    *,
    image_size: int | None = None,
    source: Literal["online", "ema"] = "online",
    trust: bool = False,
    cfg_options: Mapping[str, Any] | None = None,
) -> Exports:
    """Makes plain networks of sub-nets, which any framework loads.

    Each is run beside the elastic network before it is returned. A network of timm,
    torchvision or mmcls is exported as it is.

    Args:
        network: A trained network, see `open_network`; or ``(config, checkpoint)``. A
            plain ResNet is its only sub-net, MAX.
        subnets: Sub-nets, their names, or anchors such as "MAX"; one or several. "all"
            are those of the space and the largest; of a space too large to list, those
            that were calibrated, and the largest. A network without sub-nets is "all".
        image_size: Side of the image, pixels, that MACs are counted for; None: the one
            that the network was trained on. A network without sub-nets is then to be
            used with such images.
        source: See `open_network`, as for ``trust`` and ``cfg_options``.
        trust: See above.
        cfg_options: See above.

    Returns:
        The exports, in memory.

    Raises:
        UserError: No such network or sub-net, or one without batch-norm statistics of
            its own: see `calibrate`.
    """
    checks.whole("image_size", image_size, none=True)
    opened = open_network(network, source=source, trust=trust, cfg_options=cfg_options)
    if not has_subnets(opened):
        _check_alone(opened, subnets)
        return Exports((make_whole(opened, image_size),))
    opened = open_network(opened, subnets=True)
    chosen = chosen_subnets(opened, subnets)
    meta = opened.meta
    return Exports(tuple(make_export(opened, s, meta, image_size) for s in chosen))


def export_to_folder(
    folder: str | Path,
    network: NetworkLike,
    subnets: SubnetLike | Sequence[SubnetLike] | Literal["all"] = "all",
    *,
    overwrite: bool = False,
    file_format: Format = "pth",
    log: Callable[[str], None] = lambda text: None,
    **options: Any,
) -> Exports:
    """Exports into ``folder/NAME`` each; those that stand there already are kept.

    Args:
        folder: See `Exports.save`, as for ``overwrite`` and ``file_format``.
        network: See `export`.
        subnets: See `export`.
        overwrite: See above.
        file_format: See above.
        log: Takes a line on each.
        **options: See `export`.

    Raises:
        UserError: See `export` and `Exports.save`; then none is written.
    """
    exports = export(network, subnets, **options)
    places = [Path(folder, item.name) for item in exports]
    states = [
        item.work(file_format).state(place, overwrite)
        for item, place in zip(exports, places, strict=True)
    ]
    for item, place, state in zip(exports, places, states, strict=True):
        if state is State.COMPLETE:
            log(f"{place} is complete already, from the same inputs: nothing to do")
        else:
            item.save(place, overwrite, file_format)
            log(f"{folder}/{item.table()}")
    return exports


def _check_alone(network: Network, subnets: SubnetLike | Sequence[SubnetLike]) -> None:
    named = [subnets] if isinstance(subnets, str | Subnet | Mapping) else [*subnets]
    if odd := [name for name in named if name not in ("all", "MAX")]:
        raise NoSubnets(
            f"{network.name} has no sub-nets, so none is {odd[0]}: it is exported as "
            "it is"
        )


def chosen_subnets(
    network: Network, subnets: SubnetLike | Sequence[SubnetLike]
) -> list[Subnet]:
    """Returns the sub-nets that a user named, each once, all of them calibrated.

    Raises:
        UserError: See `choose_subnets`; or one has no batch-norm statistics.
    """
    backbone, every = network.elastic, subnets == "all"
    if isinstance(subnets, str | Subnet | Mapping):
        subnets = [subnets]
    chosen = choose_subnets(backbone, None if every else subnets, every)
    for subnet in chosen:
        if not backbone.is_calibrated(subnet):
            raise uncalibrated(subnet.name)
    return chosen
