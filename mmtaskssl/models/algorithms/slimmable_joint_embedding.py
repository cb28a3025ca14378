from torch import Tensor

from mmtaskssl.registry import MODELS
from mmtaskssl.subnets import Subnet

from .elastic_joint_embedding import ElasticJointEmbedding, EmbeddingStep
from .slimmable_base import SlimmableAlgorithm


@MODELS.register_module()
class SlimmableJointEmbedding(SlimmableAlgorithm, ElasticJointEmbedding):
    """LeJEPA or VICReg at several widths.

    Sub-nets regress the mean of the base's embeddings; there is no second, view by view
    distillation, for the objective has no predictor. With a search space of one sub-net
    this is `JointEmbedding`, bit for bit.

    Args:
        **kwargs: Those of `ElasticJointEmbedding` and `SlimmableAlgorithm`; ``preset``
            and ``same_view_weight`` change nothing.
    """

    def subnet_loss(
        self, inputs: list[Tensor], shared: EmbeddingStep, subnet: Subnet
    ) -> dict[str, Tensor]:
        """As `ElasticJointEmbedding.subnet_loss`, with the base's regularisation."""
        losses = super().subnet_loss(inputs, shared, subnet)
        if self.group_regularisation is not None and self.is_base(subnet):
            losses["loss_groups"] = self.group_regularisation(self.backbone)
        return losses
