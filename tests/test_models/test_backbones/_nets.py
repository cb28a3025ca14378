"""Small elastic networks of every kind."""

import torch
from torch import nn

from mmtaskssl.models.backbones import (
    DynamicResNet,
    RoutedResNet,
    SlimmableMobileNetV3,
    SlimmableResNet,
)

TINY_BOTTLENECK = {
    "kind": "grid",
    "arch": {"kind": "resnet", "block": "bottleneck"},
    "stem": (16, 24, 32),
    "widths": ((8, 16), (16, 24), (16, 32), (32, 48)),
    "depths": ((1, 2), (1, 2), (1, 3), (1, 2)),
}
GN = {"type": "GN", "group_size": 8}

NETS = {
    "dynamic-basic": lambda **k: DynamicResNet("data_basic", **k),
    "dynamic-bottleneck": lambda **k: DynamicResNet(TINY_BOTTLENECK, **k),
    "dynamic-gn": lambda **k: DynamicResNet(TINY_BOTTLENECK, norm_cfg=GN, **k),
    "slimmable-18": lambda **k: SlimmableResNet(18, **k),
    "slimmable-18-cifar": lambda **k: SlimmableResNet(18, stem_kernel=3, **k),
    "slimmable-50-shared": lambda **k: SlimmableResNet(
        50, widths=(1, 0.55, 0.25), divisor=8, **k
    ),
    "routed-compact": lambda **k: RoutedResNet(50, groups=4, base_width=16, **k),
    "routed-export": lambda **k: RoutedResNet(
        50, style="export", groups=2, base_width=16, **k
    ),
    "routed-basic": lambda **k: RoutedResNet(18, groups=2, base_width=16, **k),
    "mobilenet": lambda **k: SlimmableMobileNetV3(**k),
    "mobilenet-shared": lambda **k: SlimmableMobileNetV3(
        (1, 0.6, 0.35), divisor=8, out_indices=(1, 2, 4, 6), **k
    ),
    "mobilenet-gn": lambda **k: SlimmableMobileNetV3(divisor=8, norm_cfg=GN, **k),
}


def randomize(net: nn.Module, seed: int = 0) -> nn.Module:
    """Gives every parameter and running statistic a value that matters."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in [*net.named_parameters(), *net.named_buffers()]:
        if name.endswith("num_batches_tracked"):
            continue
        positive = name.endswith("running_var") or (
            tensor.dim() == 1 and name.endswith("weight")
        )
        with torch.no_grad():
            if tensor.dim() > 1:
                nn.init.kaiming_normal_(tensor, generator=generator)
            elif positive:
                tensor.uniform_(0.5, 1.5, generator=generator)
            else:
                tensor.normal_(0, 0.2, generator=generator)
    return net


def batches(count: int = 2, size: int = 48, seed: int = 0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(4, 3, size, size, generator=generator) for _ in range(count)]
