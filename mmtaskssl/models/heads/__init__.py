from .joint_embedding import JointEmbeddingHead
from .last_stage import LastStage
from .sigreg_head import SIGRegHead
from .vicreg_head import VICRegHead

__all__ = ["JointEmbeddingHead", "LastStage", "SIGRegHead", "VICRegHead"]
