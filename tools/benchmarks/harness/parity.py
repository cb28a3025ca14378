"""Exported sub-nets beside the elastic network that they come from."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from mmtaskssl.export.bundle import write_bundle
from mmtaskssl.models.backbones import (
    DynamicResNet,
    ElasticBackbone,
    RoutedResNet,
    SlimmableMobileNetV3,
    SlimmableResNet,
)
from mmtaskssl.models.elastic import calibrate
from mmtaskssl.registry import MODELS
from mmtaskssl.subnets import Subnet
from mmtaskssl.utils.tables import row

# Every width that torchvision's rounding allows, in steps of 1/20.
_MANY = [width / 20 for width in range(20, 4, -1)]
_ALL = {"out_indices": tuple(range(7))}
KINDS: dict[str, Callable[[], ElasticBackbone]] = {
    "DynamicResNet, bottleneck": lambda: DynamicResNet("data_bottleneck"),
    "DynamicResNet, basic": lambda: DynamicResNet("data_basic"),
    "SlimmableResNet-50, switchable": lambda: SlimmableResNet(50),
    "SlimmableResNet-50, calibrated": lambda: SlimmableResNet(50, _MANY, divisor=8),
    "SlimmableMobileNetV3, switchable": lambda: SlimmableMobileNetV3(**_ALL),
    "SlimmableMobileNetV3, calibrated": lambda: SlimmableMobileNetV3(
        _MANY, divisor=8, **_ALL
    ),
    "RoutedResNet-50, compact": lambda: RoutedResNet(50),
    "RoutedResNet-50, export": lambda: RoutedResNet(50, "export"),
}
_SIZE, _BATCH = 64, 4


def make(build: Callable[[], ElasticBackbone], seed: int) -> ElasticBackbone:
    """Builds a network whose every parameter and statistic matters, in evaluation.

    Norms that track statistics get them as in training, from some batches.
    """
    torch.manual_seed(seed)
    net = build()
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)  # fan-in: alive in depthwise, too
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.2)
            module.momentum = None  # the plain average of few batches
    switchable = net.norm_cfg["type"] == "SwitchableBN"
    with torch.no_grad():
        for subnet in net.space if switchable else [net.space.max]:
            for batch in images(seed, 3):
                net.train()(batch, subnet)
    return net.eval()


def images(seed: int, count: int) -> list[Tensor]:
    """Returns batches of generated images (N, 3, S, S)."""
    generator = torch.Generator().manual_seed(seed)
    shape = (_BATCH, 3, _SIZE, _SIZE)
    return [torch.randn(shape, generator=generator) for _ in range(count)]


def choose(net: ElasticBackbone, count: int, seed: int) -> list[Subnet]:
    """Returns the anchors, then random members, ``count`` in all if there are."""
    drawn = net.space.sample_distinct(min(count, len(net.space)), seed)
    chosen = list(dict.fromkeys([*net.space.anchors.values(), *drawn]))
    return chosen[: max(count, len(net.space.anchors))]


@torch.no_grad()
def difference(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> tuple[float, float]:
    """Returns the largest absolute difference and the largest feature."""
    pairs = list(zip(ours, theirs, strict=True))
    return (
        max(float((a - b).abs().max()) for a, b in pairs),
        max(float(a.abs().max()) for a, _ in pairs),
    )


@torch.no_grad()
def parity(net: ElasticBackbone, subnets: Sequence[Subnet]) -> tuple[float, float]:
    """Exports sub-nets; returns the worst difference and the largest feature."""
    (x,) = images(1234, 1)
    worst = []
    for subnet in subnets:
        if net.needs_calibration(subnet):
            calibrate(net, subnet, images(1, 2))
        with tempfile.TemporaryDirectory() as folder:
            meta = write_bundle(net, subnet, folder, {})
            weights = Path(folder, subnet.name, meta["weights"])
            state = torch.load(weights, weights_only=True)
        with torch.device("meta"):  # spares drawing weights that are replaced
            plain = MODELS.build(meta["plain_network"])
        plain.load_state_dict(state, strict=True, assign=True)
        worst.append(difference(net(x, subnet), plain.eval()(x)))
    return tuple(map(max, zip(*worst, strict=True)))


def parity_table(kinds: Sequence[str], count: int, seed: int) -> Iterator[str]:
    """Yields the rows of the first table."""
    yield "| kind | sub-nets | worst difference | largest feature |"
    yield "| --- | ---: | ---: | ---: |"
    for kind in kinds:
        net = make(KINDS[kind], seed)
        subnets = choose(net, count, seed)
        worst, largest = parity(net, subnets)
        yield row([kind, str(len(subnets)), f"{worst:.1e}", f"{largest:.1f}"])
