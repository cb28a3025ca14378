"""Layers whose active channels are arguments."""

from .calibration import calibrate, collect_statistics
from .channels import Channels, channel_indices, make_channels, num_channels, take
from .checkpointing import checkpointed
from .conv import ElasticConv2d
from .linear import ElasticLinear
from .norm import (
    WHOLE,
    ElasticBatchNorm2d,
    ElasticGroupNorm,
    NormView,
    SwitchableBatchNorm2d,
    build_elastic_norm,
    elastic_norm,
    norm_width,
    uncalibrated,
)
from .squeeze_excite import ElasticSqueezeExcite
from .statistics import SubnetStatistics
from .unit import Unit, Units, View, conv_norm

__all__ = [
    "WHOLE",
    "Channels",
    "ElasticBatchNorm2d",
    "ElasticConv2d",
    "ElasticGroupNorm",
    "ElasticLinear",
    "ElasticSqueezeExcite",
    "NormView",
    "SubnetStatistics",
    "SwitchableBatchNorm2d",
    "Unit",
    "Units",
    "View",
    "build_elastic_norm",
    "calibrate",
    "channel_indices",
    "checkpointed",
    "collect_statistics",
    "conv_norm",
    "elastic_norm",
    "make_channels",
    "norm_width",
    "num_channels",
    "take",
    "uncalibrated",
]
