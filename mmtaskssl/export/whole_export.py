"""A network without sub-nets as an export."""

import dataclasses
from typing import Any

import torch
from torch import nn

from ..registry import MODELS
from .exported import Export
from .hosts import whole_fragment


@dataclasses.dataclass(frozen=True, eq=False)
class WholeExport(Export):
    """A network of timm, torchvision or mmcls, as it is."""

    @property
    def name(self) -> str:
        """Of the network in its library."""
        return str(self.facts["network"])

    def build(self) -> nn.Module:
        """See `Export.build`; of some libraries it cannot be made without memory."""
        with torch.random.fork_rng(devices=[]):  # construction draws
            return MODELS.build(dict(self.facts["plain_network"]))

    @property
    def inputs(self) -> dict[str, Any]:
        """See `Export.inputs`."""
        told = ("network", "plain_network", "network_sha256", "image_size", "source")
        return {key: self.facts[key] for key in told}

    @property
    def kind(self) -> str:
        """See `Export.kind`."""
        return str(self.facts["plain_network"]["type"]).removeprefix("mmtaskssl.")

    def fragment(self, weights: str | None) -> str:
        """See `Export.fragment`."""
        title = f"Backbone {self.name}: {self.costs}."
        return whole_fragment(self.facts, title, weights)
