"""Backbones: elastic ones, and the plain networks that their sub-nets are."""

from .dynamic_resnet import DynamicResNet
from .elastic_backbone import ElasticBackbone
from .elastic_resnet import ElasticResNet
from .routed_resnet import RoutedResNet
from .slimmable_mobilenet_v3 import SlimmableMobileNetV3
from .slimmable_resnet import SlimmableResNet
from .subnet_mobilenet_v3 import SubnetMobileNetV3
from .subnet_resnet import SubnetResNet

__all__ = [
    "DynamicResNet",
    "ElasticBackbone",
    "ElasticResNet",
    "RoutedResNet",
    "SlimmableMobileNetV3",
    "SlimmableResNet",
    "SubnetMobileNetV3",
    "SubnetResNet",
]
