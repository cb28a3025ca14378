from torch import Tensor

from mmtaskssl.registry import MODELS
from mmtaskssl.subnets import Subnet

from .byol import BYOL
from .taught_by_max import TaughtByMax


@MODELS.register_module()
class SupernetBYOL(TaughtByMax, BYOL):
    """BYOL for all sub-nets of an elastic backbone at once.

    The target network is the average of the whole network and always runs MAX, once a
    view and step. The predictions of every sampled sub-net, through one projector and
    one predictor, regress MAX's projections.

    DATA (arXiv 2203.09041) says that its supernet trains under other self-supervised
    methods; how, is our reading: its rule for MoCo, word by word.

    Args:
        **kwargs: Those of `BYOL` and `ElasticAlgorithm`; ``neck`` is an
            `ElasticNonLinearNeck`.
    """

    def prepare(self, inputs: list[Tensor], data_samples=None) -> list[Tensor]:
        """Moves the target network, then projects both views with it.

        Args:
            inputs: Two views, each (N, 3, H, W).
            data_samples: Ignored.

        Returns:
            MAX's projections of both views, each (N, C).
        """
        return self._targets(inputs)

    def subnet_loss(
        self, inputs: list[Tensor], shared: list[Tensor], subnet: Subnet
    ) -> dict[str, Tensor]:
        """Symmetric regression of the target's projections.

        Args:
            inputs: Two views, each (N, 3, H, W).
            shared: What `prepare` returned.
            subnet: Makes the predictions.

        Returns:
            ``loss``, a scalar.
        """
        first, second = (self.project(view, subnet) for view in inputs)
        loss = self._latent_loss(first, shared[1])
        loss = loss + self._latent_loss(second, shared[0])
        return {"loss": 2 * loss}
