"""What the elastic algorithms of `JointEmbedding` share."""

from dataclasses import dataclass

from torch import Tensor

from mmtaskssl.subnets import Subnet

from .base import WHOLE
from .joint_embedding import JointEmbedding
from .taught_by_max import TaughtByMax


@dataclass
class EmbeddingStep:
    """What the sub-nets of one step share.

    Attributes:
        drawn: What the head draws for the step; None before it has.
        centre: MAX's mean embedding (N, D) of each image's whole views; None before.
    """

    drawn: Tensor | None = None
    centre: Tensor | None = None


class ElasticJointEmbedding(TaughtByMax, JointEmbedding):
    """Sub-nets whose views approach MAX's mean embedding of the image.

    Each sub-net is kept from collapsing by the objective itself, on its own
    embeddings; MAX alone learns from its own views.

    Args:
        *args: The algorithm's.
        taught: Whether sub-nets approach MAX's embeddings; if not, each its own.
        **kwargs: Those of `JointEmbedding` and `ElasticAlgorithm`; ``neck`` is an
            `ElasticNonLinearNeck`.
    """

    def __init__(self, *args, taught: bool = True, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.taught = taught

    def prepare(self, inputs: list[Tensor], data_samples=None) -> EmbeddingStep:
        """Embeds the whole views with MAX, unless it is about to run anyway.

        Args:
            inputs: Views (N, 3, H, W), two whole ones first.
            data_samples: Ignored.
        """
        largest, step = self.backbone.space.max, EmbeddingStep()
        if self.taught and self.subnets_of_step()[0] != largest:
            step.centre = _centre([self.project(x, largest) for x in inputs[:WHOLE]])
        return step

    def subnet_loss(
        self, inputs: list[Tensor], shared: EmbeddingStep, subnet: Subnet
    ) -> dict[str, Tensor]:
        """Returns the head's loss and its terms for a sub-net.

        Args:
            inputs: Views (N, 3, H, W), two whole ones first.
            shared: The step's; MAX leaves its embeddings here.
            subnet: Embeds the views.
        """
        views = [self.project(view, subnet) for view in inputs]
        if shared.drawn is None:
            shared.drawn = self.head.draw(views[0].shape[1], views[0].device)
        if subnet == self.backbone.space.max or not self.taught:
            shared.centre = _centre(views[:WHOLE]) if self.taught else None
            return self.head.loss(views, shared.drawn)
        return self.head.loss(views, shared.drawn, shared.centre)


def _centre(views: list[Tensor]) -> Tensor:
    return sum(view.detach().float() for view in views) / len(views)
