from torch import Tensor

from mmtaskssl.registry import MODELS
from mmtaskssl.subnets import Subnet

from .base import WHOLE
from .byol import BYOL
from .supernet_base import PredictingSupernet, SupernetStep


@MODELS.register_module()
class SupernetBYOL(PredictingSupernet, BYOL):
    """BYOL for all sub-nets of an elastic backbone at once.

    The target network is the average of the whole network and always runs MAX, once a
    view and step. The predictions of every sampled sub-net, through one projector and
    one predictor, regress MAX's projections.

    DATA (arXiv 2203.09041) says that its supernet trains under other self-supervised
    methods; how, is our reading: its rule for MoCo, word by word.

    Args:
        **kwargs: Those of `BYOL`, `PredictingSupernet`, `SupernetAlgorithm` and
            `ElasticAlgorithm`; ``neck`` is an `ElasticNonLinearNeck`.
    """

    def prepare(self, inputs: list[Tensor], data_samples=None) -> SupernetStep:
        """Moves the target network, then projects both views with it.

        Args:
            inputs: Two views, each (N, 3, H, W).
            data_samples: Ignored.

        Returns:
            The projections of both views, each (N, C), of MAX; of each sub-net if it
            is its own teacher.
        """
        largest = self.backbone.space.max
        if not self.same_arch:
            return SupernetStep({largest: self._targets(inputs)})
        self.target_net.update(self.backbone, self.neck)
        return SupernetStep(
            {
                subnet: [self.target_net(view, subnet)[0] for view in inputs[:WHOLE]]
                for subnet in self.teachers()
            }
        )

    def subnet_loss(
        self, inputs: list[Tensor], shared: SupernetStep, subnet: Subnet
    ) -> dict[str, Tensor]:
        """Symmetric regression of the target's projections.

        Args:
            inputs: Two views, each (N, 3, H, W).
            shared: What `prepare` returned.
            subnet: Makes the predictions.

        Returns:
            ``loss``, a scalar; with distillation ``loss_regress`` and, but for MAX,
            ``loss_distill``.
        """
        projections = [self.project(view, subnet) for view in inputs]
        return self._regress(projections, shared, subnet, 2)
