"""Plain torch networks and a hook that counts them: the reference of cost.py."""

from collections.abc import Callable

import torch
import torchvision
from torch import nn
from torchvision.models import mobilenetv3

from mmtaskssl.subnets import ResNetArch, Subnet


def count(
    make: Callable[..., nn.Module], *arguments, shape=(224, 224), in_channels=3
) -> tuple[int, int]:
    """Returns MACs (from the shapes that a forward pass meets) and parameters.

    Args:
        make: Makes the network out of ``arguments``.
        arguments: See ``make``.
        shape: Height and width of the image.
        in_channels: Channels of the image.
    """
    with torch.device("meta"):  # the real shape rules without the arithmetic
        model = make(*arguments)
    macs = 0

    def hook(module, inputs, output):
        nonlocal macs
        if isinstance(module, nn.Conv2d):
            per_output = (
                inputs[0].shape[1] // module.groups * module.weight[0, 0].numel()
            )
        else:
            per_output = module.in_features
        macs += output[0].numel() * per_output

    handles = [
        module.register_forward_hook(hook)
        for module in model.modules()
        if isinstance(module, nn.Conv2d | nn.Linear)
    ]
    model.eval()
    model(torch.empty(1, in_channels, *shape, device="meta"))
    for handle in handles:
        handle.remove()
    return macs, sum(p.numel() for p in model.parameters())


def torchvision_resnet(name: str) -> nn.Module:
    model = getattr(torchvision.models, name)()
    model.fc = nn.Identity()
    return model


def torchvision_mobilenet(width: float = 1.0) -> nn.Module:
    return torchvision.models.mobilenet_v3_large(width_mult=width).features


def _conv(inputs, outputs, kernel, stride=1, groups=1):
    return nn.Sequential(
        nn.Conv2d(
            inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False
        ),
        nn.BatchNorm2d(outputs),
    )


class _Block(nn.Module):
    def __init__(self, block, inputs, inner, outputs, stride):
        super().__init__()
        if block == "bottleneck":
            convs = [
                _conv(inputs, inner, 1),
                _conv(inner, inner, 3, stride),
                _conv(inner, outputs, 1),
            ]
        else:
            convs = [_conv(inputs, inner, 3, stride), _conv(inner, outputs, 3)]
        self.body = nn.Sequential(*convs)
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else _conv(inputs, outputs, 1, stride)

    def forward(self, x):
        return self.body(x) + self.shortcut(x)


def plain_resnet(
    arch: ResNetArch, subnet: Subnet, strides=(1, 2, 2, 2), in_channels=3
) -> nn.Module:
    """A plain ResNet of a sub-net's shape, written without cost.py's help."""
    inner = list(subnet.widths)
    outputs = [w * (4 if arch.block == "bottleneck" else 1) for w in inner]
    if arch.routes:
        outputs = arch.routes.stream
        for i, group in enumerate(subnet.path or ()):
            if group >= 0:
                inner[i] = arch.routes.shared[i] + arch.routes.group[i]
    if arch.stem_kernel == 7:
        layers = [_conv(in_channels, subnet.stem, 7, 2), nn.MaxPool2d(3, 2, 1)]
    else:
        layers = [_conv(in_channels, subnet.stem, 3)]
    inputs = subnet.stem
    for stage, depth in enumerate(subnet.depths):
        for block in range(depth):
            stride = 1 if block else strides[stage]
            layers.append(
                _Block(arch.block, inputs, inner[stage], outputs[stage], stride)
            )
            inputs = outputs[stage]
    return nn.Sequential(*layers)


def mobilenet_with_floors(width: float) -> nn.Module:
    """torchvision's MobileNetV3 with every channel count floored, not rounded to 8."""

    class Floored(mobilenetv3.InvertedResidualConfig):
        @staticmethod
        def adjust_channels(channels, width_mult):
            return int(round(channels * width_mult, 6))

    full, _ = mobilenetv3._mobilenet_v3_conf("mobilenet_v3_large")
    rows = [
        Floored(r.input_channels, r.kernel, r.expanded_channels, r.out_channels,
                r.use_se, "HS" if r.use_hs else "RE", r.stride, 1, width)
        for r in full
    ]  # fmt: skip
    return mobilenetv3.MobileNetV3(rows, last_channel=8).features
