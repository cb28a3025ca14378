import torch.nn.functional as F
from torch import Tensor, nn

from mmtaskssl.registry import MODELS

from .maps import to_grid


@MODELS.register_module()
class DenseCosine(nn.Module):
    """One minus the cosine at each position of a student's map and its teacher's.

    A teacher's map of another size, of a higher resolution as a rule, is first averaged
    over (or, if smaller, interpolated to) the student's positions.
    """

    term, same_width = "dense_cosine", True

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Returns the mean over images and positions, a scalar in [0, 2].

        Args:
            student: (N, C, h, w) map.
            teacher: (N, C, H, W) map of the same crop; receives no gradient.
        """
        target = to_grid(teacher.detach(), student.shape[2:])
        return (1 - F.cosine_similarity(student, target, dim=1)).mean()
