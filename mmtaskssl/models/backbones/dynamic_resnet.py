"""The supernet of DATA."""

from ...registry import MODELS
from .elastic_resnet import ElasticResNet


@MODELS.register_module()
class DynamicResNet(ElasticResNet):
    """A ResNet of elastic stem, widths and depths.

    Source: DATA (Chang et al., CVPR 2022, arXiv 2203.09041), whose space is the
    default.

    Args:
        space: A `SearchSpace` or its config, such as ``'data_basic'``.
        **options: See `ElasticResNet`.
    """

    def __init__(self, space="data_bottleneck", **options):
        super().__init__(space, **options)
