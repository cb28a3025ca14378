"""A sub-net as an export."""

import dataclasses
from typing import Any

import torch
from torch import nn

from ..networks import Network
from ..subnets import Subnet
from .exported import Export
from .hosts import config_fragment


@dataclasses.dataclass(frozen=True, eq=False)
class SubnetExport(Export):
    """A sub-net as a plain network.

    Attributes:
        subnet: Which.
    """

    subnet: Subnet

    @property
    def name(self) -> str:
        """Of the sub-net."""
        return self.subnet.name

    def is_called(self, name: str) -> bool:
        """See `Export.is_called`."""
        return self.origin.resolve(name) == self.subnet

    @property
    def elastic(self) -> Network:
        """The network that it is a part of."""
        return self.origin

    def build(self) -> nn.Module:
        """See `Export.build`."""
        with torch.device("meta"):
            return self.origin.elastic.build_plain(self.subnet)

    @property
    def inputs(self) -> dict[str, Any]:
        """See `Export.inputs`."""
        return {key: self.facts[key] for key in ("subnet", "image_size", "source")}

    @property
    def kind(self) -> str:
        """See `Export.kind`."""
        stock = self.facts["stock_resnet"]
        if stock:
            return f"ResNet-{stock['depth']}"
        return str(self.facts["plain_network"]["type"])

    def fragment(self, weights: str | None) -> str:
        """See `Export.fragment`."""
        title = f"Backbone {self.name}: {self.costs}."
        return config_fragment(self.origin.elastic, self.subnet, title, weights)
