"""One door from anything that holds a network to a value: see `open_network`."""

from .build import build_backbone, initialize
from .choice import has_subnets
from .door import (
    EMA_PREFIXES,
    averaged_of,
    open_architecture,
    open_network,
)
from .named import NetworkLike, NetworkName, Trained, held_network
from .network import Network
from .preprocessing import preprocessing_of
from .stages import block_of, cut_blocks, cut_stages, stage_of
from .start import Start, start_from

__all__ = [
    "EMA_PREFIXES",
    "Network",
    "NetworkLike",
    "NetworkName",
    "Start",
    "Trained",
    "averaged_of",
    "block_of",
    "build_backbone",
    "cut_blocks",
    "cut_stages",
    "has_subnets",
    "held_network",
    "initialize",
    "open_architecture",
    "open_network",
    "preprocessing_of",
    "stage_of",
    "start_from",
]
