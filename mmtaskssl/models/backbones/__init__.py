"""Backbones: elastic ones, and the plain networks that their sub-nets are."""

from .dynamic_resnet import DynamicResNet
from .elastic_backbone import ElasticBackbone
from .elastic_resnet import ElasticResNet
from .library_backbone import LibraryBackbone
from .routed_resnet import RoutedResNet
from .slimmable_mobilenet_v3 import SlimmableMobileNetV3
from .slimmable_resnet import SlimmableResNet
from .subnet_mobilenet_v3 import SubnetMobileNetV3
from .subnet_resnet import SubnetResNet
from .timm_backbone import TimmBackbone
from .torchvision_backbone import TorchvisionBackbone
from .whole_images import seeing_whole_images

__all__ = [
    "DynamicResNet",
    "ElasticBackbone",
    "ElasticResNet",
    "LibraryBackbone",
    "RoutedResNet",
    "SlimmableMobileNetV3",
    "SlimmableResNet",
    "SubnetMobileNetV3",
    "SubnetResNet",
    "TimmBackbone",
    "TorchvisionBackbone",
    "seeing_whole_images",
]
