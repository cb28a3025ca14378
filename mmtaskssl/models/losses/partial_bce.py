import torch.nn.functional as F
from torch import Tensor, nn

from mmtaskssl.registry import MODELS


@MODELS.register_module()
class PartialBinaryCrossEntropy(nn.Module):
    """Binary cross-entropy over the labels that are known.

    The mean over images and classes, leaving out what the annotators left open (the
    difficult objects of PASCAL VOC).
    """

    def forward(
        self, scores: Tensor, targets: Tensor, avg_factor: float | None = None
    ) -> Tensor:
        """Returns the loss, a scalar.

        Args:
            scores: (N, C) logits.
            targets: (N, C) of 1 present, 0 absent, negative left open.
            avg_factor: mmcls' number of images; the mean is over known labels instead.
        """
        known = (targets >= 0).to(scores.dtype)
        loss = F.binary_cross_entropy_with_logits(
            scores, targets.clamp_min(0).to(scores.dtype), known, reduction="sum"
        )
        return loss / known.sum().clamp_min(1)
