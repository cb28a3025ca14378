from .byol import BYOL
from .distill import Distill
from .elastic_base import ElasticAlgorithm
from .elastic_ddp import ElasticDDP
from .elastic_distill import ElasticDistill
from .joint_embedding import JointEmbedding
from .moco import MoCo
from .routed_byol import RoutedBYOL
from .routed_distill import RoutedDistill
from .routed_joint_embedding import RoutedJointEmbedding
from .routed_simsiam import RoutedSimSiam
from .simsiam import SimSiam
from .slimmable_byol import SlimmableBYOL
from .slimmable_joint_embedding import SlimmableJointEmbedding
from .slimmable_moco import SlimmableMoCo
from .slimmable_simsiam import SlimmableSimSiam
from .supernet_byol import SupernetBYOL
from .supernet_densecl import SupernetDenseCL
from .supernet_joint_embedding import SupernetJointEmbedding
from .supernet_moco import SupernetMoCo
from .supernet_simsiam import SupernetSimSiam

__all__ = [
    "BYOL",
    "Distill",
    "ElasticAlgorithm",
    "ElasticDDP",
    "ElasticDistill",
    "JointEmbedding",
    "MoCo",
    "RoutedBYOL",
    "RoutedDistill",
    "RoutedJointEmbedding",
    "RoutedSimSiam",
    "SimSiam",
    "SlimmableBYOL",
    "SlimmableJointEmbedding",
    "SlimmableMoCo",
    "SlimmableSimSiam",
    "SupernetBYOL",
    "SupernetDenseCL",
    "SupernetJointEmbedding",
    "SupernetMoCo",
    "SupernetSimSiam",
]
