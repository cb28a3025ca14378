from .byol import BYOL
from .distill import Distill
from .elastic_base import ElasticAlgorithm
from .elastic_ddp import ElasticDDP
from .elastic_distill import ElasticDistill
from .moco import MoCo
from .routed_byol import RoutedBYOL
from .routed_distill import RoutedDistill
from .routed_simsiam import RoutedSimSiam
from .simsiam import SimSiam
from .slimmable_byol import SlimmableBYOL
from .slimmable_moco import SlimmableMoCo
from .slimmable_simsiam import SlimmableSimSiam
from .supernet_byol import SupernetBYOL
from .supernet_densecl import SupernetDenseCL
from .supernet_moco import SupernetMoCo
from .supernet_simsiam import SupernetSimSiam

__all__ = [
    "BYOL",
    "Distill",
    "ElasticAlgorithm",
    "ElasticDDP",
    "ElasticDistill",
    "MoCo",
    "RoutedBYOL",
    "RoutedDistill",
    "RoutedSimSiam",
    "SimSiam",
    "SlimmableBYOL",
    "SlimmableMoCo",
    "SlimmableSimSiam",
    "SupernetBYOL",
    "SupernetDenseCL",
    "SupernetMoCo",
    "SupernetSimSiam",
]
