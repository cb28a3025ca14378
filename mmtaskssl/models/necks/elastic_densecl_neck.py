"""DenseCL's projector behind a backbone of many widths."""

from collections.abc import Sequence

import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmtaskssl.registry import MODELS

from ..elastic import WHOLE, NormView
from .elastic_nonlinear_neck import ElasticNonLinearNeck


@MODELS.register_module()
class ElasticDenseCLNeck(BaseModule):
    """A global and a dense projection in parallel, whose input follows the sub-net.

    Wang et al., *Dense Contrastive Learning for Self-Supervised Visual Pre-Training*,
    CVPR 2021, section 3.2. Both are `ElasticNonLinearNeck`s of the same shape: one on
    the pooled map, one on each of its positions, which is a pair of 1x1 convolutions.

    Args:
        in_channels: Channels of the largest sub-net's last feature map.
        hid_channels: Features between the layers.
        out_channels: Features of the embeddings.
        num_grid: Side of the grid to which the map is pooled first; None: its own.
        norm: ``BN``, or None for none (the published neck).
        init_cfg: As in mmengine.

    Raises:
        UserError: Bad ``norm``.
    """

    def __init__(
        self,
        in_channels: int,
        hid_channels: int,
        out_channels: int,
        num_grid: int | None = None,
        norm: str | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.num_grid = num_grid
        widths = in_channels, hid_channels, out_channels
        self.single = ElasticNonLinearNeck(*widths, norm=norm)
        self.dense = ElasticNonLinearNeck(*widths, norm=norm, with_avg_pool=False)

    def forward(self, x: Sequence[Tensor], view: NormView = WHOLE) -> list[Tensor]:
        """Projects feature maps.

        Args:
            x: Maps (N, C, H, W), of which the last is taken; C is the sub-net's width.
            view: What the norms have to know, `ElasticBackbone.norm_view` of the
                sub-net.

        Returns:
            The global embeddings (N, out_channels), the dense ones (N, out_channels,
            positions), and their mean over the positions (N, out_channels).
        """
        feature_map = x[-1]
        (single,) = self.single(feature_map, view)
        if self.num_grid is not None:
            feature_map = F.adaptive_avg_pool2d(feature_map, self.num_grid)
        positions = feature_map.flatten(2).transpose(1, 2)  # (N, positions, C)
        n, count, channels = positions.shape
        (dense,) = self.dense(positions.reshape(n * count, channels), view)
        dense = dense.view(n, count, -1).transpose(1, 2)
        return [single, dense, dense.mean(dim=2)]

    def extract(self, in_channels: int, switch: int = 0) -> nn.Sequential:
        """Returns the plain global projection of a sub-net, with copies of its weights.

        Args:
            in_channels: Channels of the sub-net's features.
            switch: Ignored: there are no switchable norms.
        """
        return self.single.extract(in_channels)
