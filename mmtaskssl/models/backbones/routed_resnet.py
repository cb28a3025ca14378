"""The routed network of SDR."""

from collections.abc import Sequence

from ...registry import MODELS
from .elastic_resnet import ElasticResNet


@MODELS.register_module()
class RoutedResNet(ElasticResNet):
    """A ResNet whose inner channels are shared by all paths, or belong to groups.

    A path runs, in each stage, the shared channels and one group; the residual stream
    is shared, so any path composes. Source: SDR (Liu et al., AAAI 2022, arXiv
    2205.13267); the split of the inner channels alone is our choice.

    Args:
        depth: 10, 18, 34, 50 or 101.
        style: "compact" (all groups together are a plain ResNet) or "export" (each
            path is one).
        groups: Individual groups, the same in all stages or one number per stage; one
            path for each combination.
        base_width: Inner width of the first stage of the plain ResNet.
        stem_kernel: 7, or 3 for small images.
        **options: See `ElasticResNet`.
    """

    def __init__(
        self,
        depth: int = 50,
        style: str = "compact",
        groups: int | Sequence[int] = 4,
        base_width: int = 64,
        stem_kernel: int = 7,
        **options,
    ):
        space = {
            "preset": "routed_resnet",
            "depth": depth,
            "style": style,
            "groups": groups,
            "base_width": base_width,
            "stem_kernel": stem_kernel,
        }
        super().__init__(space, **options)
