from mmtaskssl.registry import MODELS
from mmtaskssl.subnets import Subnet

from .base import WHOLE
from .byol import BYOL
from .routed_base import RoutedAlgorithm, RoutedStep, Views, embed, kept_statistics


@MODELS.register_module()
class RoutedBYOL(RoutedAlgorithm, BYOL):
    """SDR on BYOL: see `RoutedAlgorithm` for the method, `BYOL` for the base.

    The target is one average of the whole network. A sub-net regresses the embeddings
    that the average makes under the same sub-net; SiamKD's teacher is the average's
    MAX.

    Args:
        **kwargs: Those of `BYOL`, `RoutedAlgorithm` and `ElasticAlgorithm`.
    """

    factor = 2.0

    def prepare(self, inputs: Views, data_samples=None) -> RoutedStep:
        """Moves the average, then as `RoutedAlgorithm.prepare`.

        Args:
            inputs: Two views of the joined batch, each (N, 3, H, W).
            data_samples: One a sample, with ``part`` and ``path``.
        """
        self.target_net.update(self.backbone, self.neck)
        return super().prepare(inputs, data_samples)

    def targets(self, views: Views, subnet: Subnet, step: RoutedStep) -> None:
        """Embeds a sub-net's images with the average.

        Args:
            views: Of the sub-net's images, each (N, 3, H, W).
            subnet: MAX or a path.
            step: Receives the targets and the teacher's embeddings.
        """
        average, largest = self.target_net.module, self.backbone.space.max
        views = views[:WHOLE]
        if subnet == largest:
            step.own[subnet] = [embed(*average, view, subnet) for view in views]
            return
        with kept_statistics(average):
            step.own[subnet] = [embed(*average, view, subnet) for view in views]
            if self.kd_weight:
                step.teacher[subnet] = [embed(*average, v, largest) for v in views]
