"""A network of ours, trained from scratch or taught, at a width that a budget pays."""

import bisect
import dataclasses
import functools
from collections.abc import Callable
from typing import Any

from ...config import load_config
from ...networks import Network, open_architecture, open_network
from ...subnets import Cost, Subnet
from ...utils.budgets import Budget
from ...utils.errors import UserError
from ...utils.paths import resolve_config

#: Ten layers, made for thousands of steps of one CPU core.
CONFIG = "configs/selfsup/mocov2/mocov2_resnet10-w32_1xb128-coslr-2k_folder-40px.py"
#: How a teacher teaches the same network.
TAUGHT = "configs/distill/distill_resnet10-w32_1xb128-coslr-2k_folder-40px.py"
# Widths tried, of the first stage: multiples of two.
_STEP, _MOST = 2, 512


@dataclasses.dataclass(frozen=True, eq=False)
class Own:
    """The network of a config of ours, at a width.

    Attributes:
        config: Of a pre-training.
        options: What makes the width, by dotted keys.
        subnet: Of an elastic network, which sub-net serves; None: the network itself.
    """

    config: str = CONFIG
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    subnet: str | None = None

    @functools.cached_property
    def architecture(self) -> Network:
        """The network without weights."""
        return open_architecture(load_config(self.config, self.options))

    @property
    def side(self) -> int:
        """Of the images that it sees, pixels."""
        return self.architecture.preprocessing.image_size

    @functools.cached_property
    def cost(self) -> Cost:
        """Of one image."""
        return self.architecture.cost(self.subnet, shape=self.side)

    @property
    def name(self) -> str | None:
        """The name of a plain ResNet of ours, such as "s32-w32.64.128.256-d1.1.1.1"."""
        backbone = load_config(self.config, self.options).model.backbone
        plain = backbone.get("type") == "SubnetResNet"
        return str(backbone.subnet) if plain else None

    @property
    def channels(self) -> int:
        """Of its feature."""
        return int(load_config(self.config, self.options).model.neck.in_channels)

    def untrained(self, seed: int) -> Network:
        """Returns the network, drawn at random."""
        return open_network(
            (load_config(self.config, self.options), "random"), seed=seed
        )

    def spends(self, kind: str) -> float:
        """Returns its cost, in the unit of a `Budget` of this kind."""
        if kind == "latency":
            network = self.untrained(0)
            return network.latency(self.subnet, shape=self.side).median
        return float(self.cost.macs if kind == "macs" else self.cost.params)


def own_within(config: str, budget: Budget | None) -> Own | None:
    """Returns the widest network of a config that a budget pays for.

    Widths of all stages are scaled alike. Only a plain ResNet of ours
    (``SubnetResNet``) has other widths; any other network is what it is.

    Args:
        config: Of a pre-training.
        budget: A band of costs; None: the config's own width.

    Returns:
        None: no width's cost is within the band.

    Raises:
        UserError: The config has no backbone.
    """
    plain = Own(config)
    if budget is None:
        return plain
    cfg = load_config(config)
    backbone, neck = cfg.model.backbone, cfg.model.get("neck") or {}
    if backbone.get("type") != "SubnetResNet" or "in_channels" not in neck:
        return plain if plain.spends(budget.kind) in budget else None
    name = Subnet.parse(backbone.subnet)
    expansion = neck["in_channels"] // name.widths[-1]

    def at(steps: int) -> Own:
        scaled = _scaled(name, _STEP * steps / name.widths[0])
        channels = scaled.widths[-1] * expansion
        return Own(
            config,
            {
                "model.backbone.subnet": scaled.name,
                "model.neck.in_channels": channels,
            },
        )

    return widest(at, _MOST // _STEP, budget)


def widest(at: Callable[[int], Own], most: int, budget: Budget) -> Own | None:
    """Returns the largest of some networks that a budget pays for.

    Args:
        at: Returns the network of a number of steps, larger ones with more.
        most: Steps of the largest.
        budget: A band of costs.

    Returns:
        None: no network's cost is within the band.
    """

    def is_above(steps: int) -> bool:
        return at(steps).spends(budget.kind) >= budget.high

    steps = bisect.bisect_left(range(1, most + 1), True, key=is_above)
    if steps == 0 or at(steps).spends(budget.kind) not in budget:
        return None
    return at(steps)


def is_ours(config: str) -> bool:
    """Whether a recipe is our own one, by whatever name.

    Args:
        config: The recipe.
    """
    try:
        return resolve_config(config).resolve() == resolve_config(CONFIG).resolve()
    except UserError:
        return False


def _scaled(name: Subnet, factor: float) -> Subnet:
    def width(channels: int) -> int:
        return max(1, round(channels * factor))

    return Subnet(width(name.stem), tuple(map(width, name.widths)), name.depths)
