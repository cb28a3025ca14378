from collections.abc import Mapping
from typing import Any

from mmengine.model import BaseModule
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from ...registry import MODELS
from ..backbones.plain_norm import build_plain_norm


@MODELS.register_module()
class LastStage(BaseModule):
    """The last stage of a ResNet as the shared head of a C4 detector.

    Its names are the network's, so that the network's weights load into it.

    Args:
        network: Config of a `SubnetResNet`.
        extra_norm: Config of one more norm behind the stage. He et al. (Momentum
            Contrast, arXiv 1911.05722, appendix) put it there when they fine-tune
            all batch norms; None: no norm.
        norm_eval: Whether batch norms keep their statistics in training.
        init_cfg: As in mmengine; None: Kaiming for convolutions, one for norms.
    """

    def __init__(
        self,
        network: Mapping[str, Any],
        extra_norm: Mapping[str, Any] | None = None,
        norm_eval: bool = False,
        init_cfg: dict | list[dict] | None = None,
    ):
        network = MODELS.build(dict(network))
        super().__init__(init_cfg or network.init_cfg)
        self.name = f"layer{network.num_stages}"
        self.add_module(self.name, network.get_submodule(self.name))
        self.norm_eval = norm_eval
        self.norm = None
        if extra_norm is not None:
            channels = self.get_submodule(self.name)[-1].last_norm.weight.numel()
            self.norm = build_plain_norm(extra_norm, [channels])

    def forward(self, x: Tensor) -> Tensor:
        """Returns (N, out, H / 2, W / 2) features of (N, in, H, W) regions."""
        x = self.get_submodule(self.name)(x)
        return x if self.norm is None else self.norm(x)

    def train(self, mode: bool = True) -> "LastStage":
        """Sets the mode, but keeps norms in evaluation where asked."""
        super().train(mode)
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self
