from torch import Tensor

from mmtaskssl.registry import MODELS
from mmtaskssl.subnets import Subnet

from .simsiam import SimSiam
from .taught_by_max import TaughtByMax


@MODELS.register_module()
class SupernetSimSiam(TaughtByMax, SimSiam):
    """SimSiam for all sub-nets of an elastic backbone at once.

    SimSiam has no average, so MAX itself is the teacher: every sampled sub-net, through
    one projector and one predictor, regresses MAX's projections of the same step,
    which receive no gradient. Our reading of DATA (arXiv 2203.09041), as for
    `SupernetBYOL`.

    Args:
        **kwargs: Those of `SimSiam` and `ElasticAlgorithm`; ``neck`` is an
            `ElasticNonLinearNeck`.
    """

    def prepare(self, inputs: list[Tensor], data_samples=None) -> list[Tensor]:
        """Projects both views with MAX, unless it is about to run anyway.

        Args:
            inputs: Two views, each (N, 3, H, W).
            data_samples: Ignored.

        Returns:
            MAX's projections of both views, each (N, C); empty if MAX runs first.
        """
        largest = self.backbone.space.max
        if self.subnets_of_step()[0] == largest:
            return []
        return [self.project(view, largest) for view in inputs]

    def subnet_loss(
        self, inputs: list[Tensor], shared: list[Tensor], subnet: Subnet
    ) -> dict[str, Tensor]:
        """Symmetric negative cosine to MAX's projections.

        Args:
            inputs: Two views, each (N, 3, H, W).
            shared: What `prepare` returned; MAX fills it in.
            subnet: Makes the predictions.

        Returns:
            ``loss``, a scalar in [-1, 1].
        """
        projections = [self.project(view, subnet) for view in inputs]
        if not shared:
            shared += [z.detach() for z in projections]
        first, second = projections
        loss = self._latent_loss(first, shared[1]) + self._latent_loss(
            second, shared[0]
        )
        return {"loss": 0.5 * loss}
