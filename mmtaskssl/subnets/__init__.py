"""What a sub-net is, which there are, which a step runs, and what each costs."""

from .arch import (
    Architecture,
    MobileNetV3Arch,
    ResNetArch,
    Routes,
    arch_to_dict,
    build_arch,
    round_channels,
)
from .config import build_space, find_backbone
from .cost import Cost, Layer, cost, layers
from .grid_space import GridSpace
from .list_space import ListSpace
from .presets import PRESETS
from .samplers import (
    AllSubnets,
    Biased,
    Dynamic,
    Progressive,
    RandomSubnets,
    Sandwich,
    SlowStart,
    Stratified,
    SubnetSampler,
)
from .space import SearchSpace
from .spec import ALL, Subnet
from .timing import Latency, measure_latency

__all__ = [
    "ALL",
    "PRESETS",
    "AllSubnets",
    "Architecture",
    "Biased",
    "Cost",
    "Dynamic",
    "GridSpace",
    "Latency",
    "Layer",
    "ListSpace",
    "MobileNetV3Arch",
    "Progressive",
    "RandomSubnets",
    "ResNetArch",
    "Routes",
    "Sandwich",
    "SearchSpace",
    "SlowStart",
    "Stratified",
    "Subnet",
    "SubnetSampler",
    "arch_to_dict",
    "build_arch",
    "build_space",
    "cost",
    "find_backbone",
    "layers",
    "measure_latency",
    "round_channels",
]
