"""What the sub-nets of a config cost, as a value."""

import dataclasses
import functools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from mmengine.config import Config
from torch import nn

from ..config import load_config
from ..models.backbones import ElasticBackbone, SubnetMobileNetV3, SubnetResNet
from ..registry import MODELS
from ..report.result import Result
from ..runs import OutputFile, Work
from ..subnets import ResNetArch, SearchSpace, Subnet, build_space, cost
from ..subnets.report import (
    Price,
    Row,
    format_csv,
    format_table,
    make_rows,
    plot_space,
    summarize,
)
from ..subnets.space import SubnetLike
from ..utils import checks
from ..utils.atomic import write_text
from ..utils.devices import AUTO, pick_device
from ..utils.errors import UserError, option
from ..utils.families import ConfigUnsuited, NoSubnets, OptionConflict
from .build import backbone_config
from .costs import size_of, time_network
from .door import open_architecture
from .named import HasNetwork, held_network
from .network import Network

_TABLE = "costs.csv"
_REPEATS = 20
# Of images, where a config trains on none.
_SIDE = 224
Shape = int | tuple[int, int]


@dataclasses.dataclass(frozen=True, eq=False)
class CostList(Result):
    """Sub-nets with their multiply-accumulates, parameters and latencies.

    Attributes:
        rows: One a sub-net.
        space: That they are of.
        config: Name of the config.
        shape: Height and width of the image, pixels, or one number for both.
        price: Says what any other sub-net costs.
    """

    rows: tuple[Row, ...] = dataclasses.field(repr=False)
    space: SearchSpace = dataclasses.field(repr=False)
    config: str
    shape: Shape
    price: Price = dataclasses.field(repr=False)

    def __len__(self) -> int:
        return len(self.rows)

    def table(self) -> str:
        """Returns GMACs, M parameters and ms, a line a sub-net, and for which image."""
        return f"{format_table(self.rows)}\n{self._image}"

    def summary(self) -> str:
        """Returns how many sub-nets there are, and how their costs are spread."""
        return f"{summarize(self.space, self.price)}\n{self._image}"

    @property
    def _image(self) -> str:
        height, width = size_of(self.shape)
        return f"MACs are of an image of {height}x{width} pixels"

    def to_dict(self) -> dict[str, Any]:
        """Returns the rows: MACs, parameters, and seconds where measured."""
        rows = [
            {
                "subnet": row.subnet.name,
                "anchor": row.anchor,
                **dataclasses.asdict(row.cost),
                "latency": row.latency and dataclasses.asdict(row.latency),
            }
            for row in self.rows
        ]
        return {"config": self.config, "shape": self.shape, "rows": rows}

    def csv(self) -> str:
        """Returns the rows as CSV with a header, in MACs, parameters and seconds."""
        return format_csv(self.rows)

    def write_csv(self, path: str | os.PathLike) -> None:
        """Writes `csv`, over an earlier one.

        Args:
            path: The file.

        Raises:
            UserError: Anything else stands there.
        """
        text = self.csv()
        header = text.split("\n", 1)[0].encode()
        file = OutputFile(
            *(Path(path), "a table of costs"), lambda p: _begins_otherwise(p, header)
        )
        with file.written() as temporary:
            write_text(temporary, text)

    def plot(self, path: str | os.PathLike, overwrite: bool = False) -> None:
        """Draws the space, and the rows in it.

        Args:
            path: An image file; its ending is the format.
            overwrite: Replace a file that stands there.

        Raises:
            UserError: matplotlib is missing or does not know the format, or a file
                stands there.
        """
        with OutputFile(Path(path)).written(overwrite) as temporary:
            plot_space(self.space, self.rows, self.price, temporary)

    def save(self, folder: str | Path, overwrite: bool = False) -> Path:
        """Writes costs.csv.

        Args:
            folder: See `Result.save`.
            overwrite: See `Result.save`.

        Raises:
            UserError: See `Result.save`.
        """
        names = [row.subnet.name for row in self.rows]
        inputs = {"config": self.config, "shape": self.shape, "subnets": names}
        work = Work("costs", 1, inputs, (_TABLE,), "a table of costs")
        work.state(folder, overwrite)
        with work.written(folder) as temporary:
            self.write_csv(temporary / _TABLE)
        return Path(folder)


def _begins_otherwise(path: Path, header: bytes) -> str:
    with open(path, "rb") as file:
        ours = file.read(len(header) + 1).startswith(header)
    return "" if ours else "it begins otherwise"


def list_costs(
    config: str | os.PathLike | Config | Network | HasNetwork,
    subnets: Sequence[SubnetLike] | Literal["anchors", "all"] = "anchors",
    *,
    shape: Shape | None = None,
    latency: bool = False,
    batch_size: int = 1,
    repeats: int = _REPEATS,
    device: str | torch.device = AUTO,
    cfg_options: Mapping[str, Any] | None = None,
) -> CostList:
    """Lists what sub-nets cost; no weights are needed, nor made.

    MACs are multiply-accumulates of convolutions and linear layers of the backbone per
    image; batch norm, activations and pooling are not counted. Parameters are those of
    the exported plain network.

    Args:
        config: A training config, or one with only a ``space``; or a network with
            sub-nets, or what holds one.
        subnets: Sub-nets or their names; "anchors" are the named ones of the space, the
            largest first; "all" is the space.
        shape: Height and width of the image, pixels, or one number for both; None: the
            side that the config trains on, 224 of a ``space`` alone.
        latency: Whether to time the plain network of each sub-net on this machine.
        batch_size: Images at once, for the latency.
        repeats: Timed calls, for the latency.
        device: For the latency, as the two above; see `pick_device`.
        cfg_options: Changes to the config, by dotted keys.

    Raises:
        UserError: The config has no space and no backbone with sub-nets, or a sub-net
            is none of them.
    """
    checks.options_of("cfg_options", cfg_options)
    checks.whole("batch_size", batch_size)
    checks.whole("repeats", repeats)
    checks.flag("latency", latency)
    if not latency:
        given = {"batch_size": batch_size, "repeats": repeats, "device": device}
        defaults = {"batch_size": 1, "repeats": _REPEATS, "device": AUTO}
        given = {key: v for key, v in given.items() if v != defaults[key]}
        checks.unused(f"with {option('latency')}", **given)
    if shape is not None:
        checks.image_shape("shape", shape)
    name, space, price, build, side = _of(config, cfg_options)
    shape = side if shape is None else shape
    price = functools.partial(price, shape=shape)
    chosen: Iterable[Subnet]
    if subnets == "all":
        chosen = space
    elif subnets == "anchors":
        anchors = set(space.anchors.values())
        chosen = sorted(anchors, key=lambda s: price(s).macs, reverse=True)
    else:
        if isinstance(subnets, Subnet):
            subnets = [subnets]
        checks.listed("subnets", subnets, "sub-nets, or 'anchors' or 'all'")
        chosen = [space.resolve(subnet) for subnet in subnets]
    clock = None
    if latency:
        at = pick_device(device)

        def clock(subnet: Subnet) -> Any:
            with torch.random.fork_rng(devices=[]):  # construction draws
                network = build(subnet)
            return time_network(network, shape, batch_size, repeats, at)

    rows = make_rows(space, chosen, price, clock)
    return CostList(tuple(rows), space, name, shape, price)


def _of(
    config: Any, cfg_options: Mapping[str, Any] | None
) -> tuple[str, SearchSpace, Callable[..., Any], Callable[[Subnet], nn.Module], int]:
    """Returns a name, and what `_priced` returns, of a config or a network."""
    known = held_network(config)
    if known is not None:
        if cfg_options:
            raise OptionConflict(
                f"this network of {known.name} is open already: "
                f"{option('cfg_options')} are for opening one"
            )
        backbone, side = known.elastic, known.preprocessing.image_size
        parts = backbone.space, backbone.cost, backbone.build_plain, side
        return known.name, *parts
    if not isinstance(config, Config):
        checks.path_like("config", config)
        config = load_config(os.fspath(config), dict(cfg_options or {}))
    name = config.filename or "in memory"
    return name, *_priced(config, name)


def _priced(
    config: Config, name: str
) -> tuple[SearchSpace, Callable[..., Any], Callable[[Subnet], nn.Module], int]:
    """Returns the space, what prices and builds its sub-nets, and a side in pixels."""
    if config.get("space") is not None:
        space = build_space(config.space)
        resnet = isinstance(space.arch, ResNetArch)
        plain: Any = SubnetResNet if resnet else SubnetMobileNetV3
        return (
            space,
            functools.partial(cost, space.arch),
            lambda subnet: plain(subnet, space.arch),
            _SIDE,
        )
    try:
        found = backbone_config(config, name)
    except UserError as error:
        raise ConfigUnsuited(
            f"config {name} has neither a `space` nor a model with a backbone"
        ) from error
    kind = MODELS.get(found["type"]) if "type" in found else None
    if not (isinstance(kind, type) and issubclass(kind, ElasticBackbone)):
        raise NoSubnets(
            f"the backbone of config {name}, {found.get('type')}, has no sub-nets"
        )
    opened = open_architecture(config)
    backbone, side = opened.elastic, opened.preprocessing.image_size
    return backbone.space, backbone.cost, backbone.build_plain, side
