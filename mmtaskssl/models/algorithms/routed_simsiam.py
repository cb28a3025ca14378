from mmtaskssl.registry import MODELS
from mmtaskssl.subnets import Subnet

from .base import WHOLE
from .routed_base import RoutedAlgorithm, RoutedStep, Views, kept_statistics
from .simsiam import SimSiam


@MODELS.register_module()
class RoutedSimSiam(RoutedAlgorithm, SimSiam):
    """SDR on SimSiam: see `RoutedAlgorithm` for the method, `SimSiam` for the base.

    A sub-net's own targets are its embeddings with the gradient stopped; the teacher's
    are MAX's, made before any sub-net's backward pass.

    Args:
        **kwargs: Those of `SimSiam`, `RoutedAlgorithm` and `ElasticAlgorithm`.
    """

    factor = 0.5

    def targets(self, views: Views, subnet: Subnet, step: RoutedStep) -> None:
        """Embeds a path's images with MAX.

        Args:
            views: Of the sub-net's images, each (N, 3, H, W).
            subnet: MAX or a path.
            step: Receives the teacher's embeddings.
        """
        largest = self.backbone.space.max
        if subnet == largest or not self.kd_weight:
            return
        with kept_statistics(self.backbone, self.neck):
            whole = views[:WHOLE]
            step.teacher[subnet] = [self.project(view, largest) for view in whole]
