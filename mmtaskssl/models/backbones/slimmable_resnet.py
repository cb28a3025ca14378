"""The slimmable network of DSPNet."""

from collections.abc import Sequence

from ...registry import MODELS
from .elastic_resnet import ElasticResNet


@MODELS.register_module()
class SlimmableResNet(ElasticResNet):
    """A ResNet-18, 34, 50 or 101 that runs at several widths.

    Source: DSPNet (arXiv 2207.06075); batch norms as in Slimmable Neural Networks
    (arXiv 1812.08928) for a fixed list, as in US-Nets (arXiv 1903.05134) for arbitrary
    widths.

    Args:
        depth: 18, 34, 50 or 101.
        widths: Factors on all channels, 1 among them.
        divisor: None rounds channels down; 8 to multiples of 8, for arbitrary widths.
        stem_kernel: 7, or 3 for small images.
        norm_cfg: None: ``SwitchableBN`` without a divisor, else ``BN``, which runs
            any prefix of the network and needs calibration.
        **options: See `ElasticResNet`.
    """

    def __init__(
        self,
        depth: int = 50,
        widths: Sequence[float] = (1.0, 0.75, 0.5, 0.25),
        divisor: int | None = None,
        stem_kernel: int = 7,
        norm_cfg: dict | None = None,
        **options,
    ):
        space = {
            "preset": "slimmable_resnet",
            "depth": depth,
            "widths": widths,
            "divisor": divisor,
            "stem_kernel": stem_kernel,
        }
        kind = "SwitchableBN" if divisor is None else "BN"
        super().__init__(space, norm_cfg=norm_cfg or {"type": kind}, **options)
