import torch.nn.functional as F
from torch import Tensor, nn

from mmtaskssl.registry import MODELS

from .maps import to_grid


@MODELS.register_module()
class DenseAffinity(nn.Module):
    """Squared difference of the cosines between positions of an image.

    Which places of an image are alike is what dense tasks need, and it needs no common
    dimension, so no head. Pairwise similarities of positions: Liu et al., *Structured
    Knowledge Distillation for Semantic Segmentation*, CVPR 2019 (arXiv 1903.04197),
    section 3.2.
    """

    term, same_width = "dense_affinity", False

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Returns the mean over images and pairs of positions, a scalar in [0, 4].

        Args:
            student: (N, C, h, w) map.
            teacher: (N, D, H, W) map of the same crop; receives no gradient.
        """
        target = to_grid(teacher.detach(), student.shape[2:])
        ours, theirs = (F.normalize(x.flatten(2), dim=1) for x in (student, target))
        return F.mse_loss(ours.mT @ ours, theirs.mT @ theirs)
