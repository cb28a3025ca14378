from torch import Tensor

from mmtaskssl.registry import MODELS
from mmtaskssl.subnets import Subnet

from .base import WHOLE
from .simsiam import SimSiam
from .supernet_base import PredictingSupernet, SupernetStep


@MODELS.register_module()
class SupernetSimSiam(PredictingSupernet, SimSiam):
    """SimSiam for all sub-nets of an elastic backbone at once.

    SimSiam has no average, so MAX itself is the teacher: every sampled sub-net, through
    one projector and one predictor, regresses MAX's projections of the same step,
    which receive no gradient; with ``same_arch`` its own. Our reading of DATA (arXiv
    2203.09041), as for `SupernetBYOL`.

    Args:
        **kwargs: Those of `SimSiam`, `PredictingSupernet`, `SupernetAlgorithm` and
            `ElasticAlgorithm`; ``neck`` is an `ElasticNonLinearNeck`.
    """

    def prepare(self, inputs: list[Tensor], data_samples=None) -> SupernetStep:
        """Projects both views with MAX, unless it is about to run anyway.

        Args:
            inputs: Two views, each (N, 3, H, W).
            data_samples: Ignored.

        Returns:
            MAX's projections of both views, each (N, C); none if MAX runs first, or
            each sub-net is its own teacher.
        """
        largest, step = self.backbone.space.max, SupernetStep()
        if self.same_arch or self.subnets_of_step()[0] == largest:
            return step
        whole = inputs[:WHOLE]
        step.targets[largest] = [self.project(view, largest) for view in whole]
        return step

    def subnet_loss(
        self, inputs: list[Tensor], shared: SupernetStep, subnet: Subnet
    ) -> dict[str, Tensor]:
        """Symmetric negative cosine to the teacher's projections.

        Args:
            inputs: Two views, each (N, 3, H, W).
            shared: What `prepare` returned; a teacher fills it in.
            subnet: Makes the predictions.

        Returns:
            ``loss``, a scalar in [-1, 1]; with distillation ``loss_regress`` and, but
            for MAX, ``loss_distill``.
        """
        projections = [self.project(view, subnet) for view in inputs]
        if self.teacher_of(subnet) not in shared.targets:
            shared.targets[subnet] = [z.detach() for z in projections[:WHOLE]]
        return self._regress(projections, shared, subnet, 0.5)
