import torch.nn.functional as F
from torch import Tensor, nn

from mmtaskssl.registry import MODELS


@MODELS.register_module()
class CosineRegression(nn.Module):
    """One minus the cosine between a student's and its teacher's features.

    The common loss of distillation without labels (AM-RADIO, arXiv 2312.06709, section
    3, for the summary token). Lengths of features do not matter.
    """

    #: In the log.
    term = "cosine"
    #: Whether both networks' features must have one dimension.
    same_width = True

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Returns the mean over images, a scalar in [0, 2].

        Args:
            student: (N, C) features.
            teacher: (N, C) features; receives no gradient.
        """
        return (1 - F.cosine_similarity(student, teacher.detach(), dim=1)).mean()
