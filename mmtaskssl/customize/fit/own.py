"""A network of ours, trained from scratch or taught, at a width that a budget pays."""

import dataclasses
import functools
from typing import Any

from ...config import load_config
from ...networks import Network, open_architecture, open_network
from ...subnets import Cost, Subnet
from ...utils.budgets import Budget

#: Ten layers, made for thousands of steps of one CPU core.
CONFIG = "configs/selfsup/mocov2/mocov2_resnet10-w32_1xb128-coslr-2k_folder-40px.py"
#: How a teacher teaches the same network.
TAUGHT = "configs/distill/distill_resnet10-w32_1xb128-coslr-2k_folder-40px.py"
# Widths tried, of the first stage: multiples, as kernels like them.
_STEP, _MOST = 8, 512


@dataclasses.dataclass(frozen=True, eq=False)
class Own:
    """The network of a config of ours, at a width.

    Attributes:
        config: Of a pre-training.
        options: What makes the width, by dotted keys.
    """

    config: str = CONFIG
    options: dict[str, Any] = dataclasses.field(default_factory=dict)

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
        return self.architecture.cost(shape=self.side)

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
            return network.latency(shape=self.side).median
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
    for first in range(_MOST, 0, -_STEP):
        scaled = _scaled(name, first / name.widths[0])
        options = {
            "model.backbone.subnet": scaled.name,
            "model.neck.in_channels": scaled.widths[-1] * expansion,
        }
        own = Own(config, options)
        spent = own.spends(budget.kind)
        if spent in budget:
            return own
        if spent < budget.low:
            break  # and narrower ones spend less
    return None


def _scaled(name: Subnet, factor: float) -> Subnet:
    def width(channels: int) -> int:
        return max(1, round(channels * factor))

    return Subnet(width(name.stem), tuple(map(width, name.widths)), name.depths)
