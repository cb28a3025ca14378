import torch
from torch import Tensor

from mmtaskssl.registry import MODELS
from mmtaskssl.subnets import Subnet

from .base import WHOLE
from .joint_embedding import JointEmbedding
from .routed_base import RoutedAlgorithm, RoutedStep, Views, kept_statistics


@MODELS.register_module()
class RoutedJointEmbedding(RoutedAlgorithm, JointEmbedding):
    """SDR on LeJEPA or VICReg: see `RoutedAlgorithm` for the method.

    A path is pulled towards its own views and, by ``kd_weight``, towards MAX's mean
    embedding of the image instead: the objective has no predictor for SiamKD.

    Args:
        **kwargs: Those of `JointEmbedding`, `RoutedAlgorithm` and `ElasticAlgorithm`.
    """

    factor = 1.0

    def targets(self, views: Views, subnet: Subnet, step: RoutedStep) -> None:
        """Embeds a path's images with MAX.

        Args:
            views: Of the sub-net's images, each (N, 3, H, W), whole ones first.
            subnet: MAX or a path.
            step: Receives the mean of the whole views.
        """
        largest = self.backbone.space.max
        if subnet == largest or not self.kd_weight:
            return
        with kept_statistics(self.backbone, self.neck):
            whole = [self.project(view, largest).float() for view in views[:WHOLE]]
        step.teacher[subnet] = [torch.stack(whole).mean(0)]

    def subnet_loss(
        self, inputs: Views, shared: RoutedStep, subnet: Subnet
    ) -> dict[str, Tensor]:
        """Computes the loss of MAX or of a path on its own part of the batch.

        Args:
            inputs: Views of the joined batch, each (N, 3, H, W).
            shared: The step's.
            subnet: MAX or a path.

        Returns:
            ``loss``, and its terms for the log: the head's and, of a path, ``kd``.
        """
        part = shared.rows[subnet]
        views = [self.project(images[part], subnet) for images in inputs]
        if shared.drawn is None:
            shared.drawn = self.head.draw(views[0].shape[1], views[0].device)
        losses = self.head.loss(views, shared.drawn)
        if subnet != self.backbone.space.max and self.kd_weight:
            with torch.autocast(views[0].device.type, enabled=False):
                stacked = torch.stack([view.float() for view in views])
                kd = self.head.match(stacked, shared.teacher[subnet][0], WHOLE)
                own = self.head.match(stacked, None, WHOLE)
            losses["loss"] = losses["loss"] + self.kd_weight * (kd - own)
            losses["kd"] = kd.detach()
        return losses
