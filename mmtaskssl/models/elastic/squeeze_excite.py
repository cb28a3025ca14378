"""Squeeze-and-excitation whose squeeze follows the active width."""

import torch.nn.functional as F
from torch import Tensor, nn

from .conv import ElasticConv2d


class ElasticSqueezeExcite(nn.Module):
    """Channel attention of MobileNetV3 (arXiv 1905.02244, section 5.3).

    Names and arithmetic are those of torchvision's block with a hard sigmoid.

    Args:
        channels: Channels of the input at full width.
        squeeze: Channels between the two layers at full width.
    """

    def __init__(self, channels: int, squeeze: int):
        super().__init__()
        self.fc1 = ElasticConv2d(channels, squeeze, 1)
        self.fc2 = ElasticConv2d(squeeze, channels, 1)

    def forward(self, x: Tensor, squeeze: int | None = None) -> Tensor:
        """Scales the channels of ``x``.

        Args:
            x: (N, active channels, H, W).
            squeeze: Active channels between the layers; None: all.

        Returns:
            A tensor of the shape of ``x``.
        """
        scale = F.adaptive_avg_pool2d(x, 1)
        scale = F.relu(self.fc1(scale, squeeze))
        return x * F.hardsigmoid(self.fc2(scale, x.shape[1]))
