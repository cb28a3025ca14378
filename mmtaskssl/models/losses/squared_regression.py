import torch.nn.functional as F
from torch import Tensor, nn

from mmtaskssl.registry import MODELS


@MODELS.register_module()
class SquaredRegression(nn.Module):
    """Mean squared difference between a student's and its teacher's features.

    To be used on standardised features (`TargetNorm`): otherwise the teacher with the
    largest values, or the few features that are, decide.
    """

    term, same_width = "squared", True

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Returns the mean over images and features, a scalar.

        Args:
            student: (N, C) features.
            teacher: (N, C) features; receives no gradient.
        """
        return F.mse_loss(student, teacher.detach())
