"""Which sub-nets one training step runs."""

from .all_subnets import AllSubnets
from .base import SubnetSampler
from .biased import Biased
from .dynamic import Dynamic
from .progressive import Progressive
from .random_subnets import RandomSubnets
from .sandwich import Sandwich
from .slow_start import SlowStart
from .stratified import Stratified

__all__ = [
    "AllSubnets",
    "Biased",
    "Dynamic",
    "Progressive",
    "RandomSubnets",
    "Sandwich",
    "SlowStart",
    "Stratified",
    "SubnetSampler",
]
