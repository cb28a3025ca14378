from mmtaskssl.registry import MODELS

from .elastic_joint_embedding import ElasticJointEmbedding


@MODELS.register_module()
class SupernetJointEmbedding(ElasticJointEmbedding):
    """LeJEPA or VICReg for all sub-nets of an elastic backbone at once.

    Args:
        **kwargs: Those of `ElasticJointEmbedding`.
    """
