from .byol import BYOL
from .moco import MoCo
from .simsiam import SimSiam

__all__ = ["BYOL", "MoCo", "SimSiam"]
