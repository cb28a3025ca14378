from .byol import BYOL
from .elastic_base import ElasticAlgorithm
from .elastic_ddp import ElasticDDP
from .moco import MoCo
from .simsiam import SimSiam

__all__ = ["BYOL", "ElasticAlgorithm", "ElasticDDP", "MoCo", "SimSiam"]
