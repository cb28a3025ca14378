"""What OpenMMLab's hosts expect of a backbone, for elastic and plain ones alike."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.model import BaseModule
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ...subnets import Cost, Subnet
from ...utils.families import BadConfigValue
from ..elastic import Units, num_channels

DEFAULT_INIT = (
    {"type": "Kaiming", "layer": "Conv2d"},
    {"type": "Constant", "val": 1, "layer": ["_BatchNorm", "BatchNorm2d", "GroupNorm"]},
)


class Backbone(BaseModule):
    """Making of layers, freezing, evaluation mode of norms, and initialisation.

    Args:
        layouts: The convolutions at full width, and at each further width that has
            norms of its own.
        norm_cfg: OpenMMLab's dict; the subclass says which types there are.
        num_stages: How many outputs there are.
        out_indices: Stages whose output is returned, 0 for the first.
        frozen_stages: -1 freezes nothing, 0 the stem, i the stem and i stages.
        norm_eval: Whether batch norms keep their statistics in training.
        init_cfg: As in mmengine; None: Kaiming for convolutions, one for norms.
    """

    conv_type: type[nn.Conv2d]

    def __init__(
        self,
        layouts: Sequence[Units],
        norm_cfg: Mapping[str, Any],
        num_stages: int,
        out_indices: Sequence[int],
        frozen_stages: int = -1,
        norm_eval: bool = False,
        init_cfg: dict | list[dict] | None = None,
    ):
        super().__init__([*DEFAULT_INIT] if init_cfg is None else init_cfg)
        self._layouts = layouts
        self.norm_cfg = dict(norm_cfg)
        if not out_indices or not all(0 <= i < num_stages for i in out_indices):
            raise BadConfigValue(
                f"out_indices {tuple(out_indices)} must name stages 0 to "
                f"{num_stages - 1}"
            )
        if not -1 <= frozen_stages <= num_stages:
            raise BadConfigValue(
                f"frozen_stages must be -1 to {num_stages}, not {frozen_stages}"
            )
        self.num_stages = num_stages
        self.out_indices = tuple(out_indices)
        self.frozen_stages = frozen_stages
        self.norm_eval = norm_eval

    def make_conv(
        self,
        name: str,
        kernel: int,
        stride: int = 1,
        dilation: int = 1,
        depthwise: bool = False,
    ) -> nn.Module:
        """Makes the convolution of that name at full width, without bias."""
        unit = self._layouts[0][name]
        inputs = num_channels(unit.in_)
        return self.conv_type(
            inputs,
            num_channels(unit.out),
            kernel,
            stride=stride,
            padding=dilation * (kernel // 2),
            dilation=dilation,
            groups=inputs if depthwise else 1,
            bias=False,
        )

    def make_norm(self, conv: str) -> nn.Module:
        """Makes the norm behind the convolution of that name."""
        widths = [num_channels(units[conv].out) for units in self._layouts]
        return self.build_norm(self.norm_cfg, widths)

    @staticmethod
    @abstractmethod
    def build_norm(cfg: Mapping[str, Any], widths: Sequence[int]) -> nn.Module:
        """Builds a norm of ``norm_cfg`` at the widths of the layouts."""

    @abstractmethod
    def stem_modules(self) -> list[nn.Module]:
        """Returns the modules in front of the first stage."""

    @abstractmethod
    def stage_modules(self, stage: int) -> list[nn.Module]:
        """Returns the modules of a stage, 0 for the first."""

    @abstractmethod
    def cost_of(self, subnet: Subnet, shape: int | tuple[int, int] = 224) -> Cost:
        """Returns what a sub-net of this kind of network costs an image.

        Its own strides and channels hold; see `subnets.cost` for what counts.

        Args:
            subnet: Which.
            shape: Height and width of the image, or one number for both.
        """

    @abstractmethod
    def last_norms(self) -> list[nn.Module]:
        """Returns the last norm of each residual branch."""

    def _finish(self) -> None:
        """To be called at the end of the subclass's constructor."""
        del self._layouts
        self._freeze()

    def train(self, mode: bool = True) -> "Backbone":
        """Sets the mode, but keeps frozen stages and norms in evaluation."""
        super().train(mode)
        self._freeze()
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self

    def _freeze(self) -> None:
        if self.frozen_stages < 0:
            return
        frozen = self.stem_modules()
        for stage in range(self.frozen_stages):
            frozen += self.stage_modules(stage)
        for module in frozen:
            module.eval()
            module.requires_grad_(False)

    def _zero_last_norms(self) -> None:
        # A block that starts as the identity trains deeper nets better (Goyal et al.,
        # arXiv 1706.02677, section 5.1), and blocks not yet trained do no harm.
        if isinstance(self.init_cfg, dict) and self.init_cfg["type"] == "Pretrained":
            return
        for norm in self.last_norms():
            for parameter in norm.parameters():
                nn.init.zeros_(parameter)
