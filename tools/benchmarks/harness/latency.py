"""The speed of exported sub-nets beside stock networks and the elastic one."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
import torchvision
from torch import Tensor, nn

from mmtaskssl.export.state_dict import export_state_dict
from mmtaskssl.models.backbones import SlimmableMobileNetV3, SlimmableResNet
from mmtaskssl.models.elastic import calibrate
from mmtaskssl.subnets import Subnet
from mmtaskssl.utils.devices import AUTO, pick_device
from mmtaskssl.utils.tables import quartiles, row

from .clock import Clock, in_turns
from .host_parity import host_build, torchvision_resnet
from .parity import KINDS, images, make

_TIMED = 0.1  # seconds of calls that one measurement takes, or one call


class _Features(nn.Module):
    """The features of torchvision's MobileNetV3-Large."""

    def __init__(self, width: float) -> None:
        super().__init__()
        net = torchvision.models.mobilenet_v3_large(width_mult=width)
        self.features = net.features

    def forward(self, x: Tensor) -> Tensor:
        """Returns the last feature map."""
        return self.features(x)


def _slim_stock() -> nn.Module:
    config = {"type": "mmdet.ResNet", "depth": 50, "base_channels": 32}
    return host_build("mmdet", config)


# Elastic network, sub-net, and the stock network of the same shape, with equally many
# outputs: whoever keeps more of them alive is slower.
LATENCY = {
    "ResNet-50 of DATA's space": (
        KINDS["DynamicResNet, bottleneck"],
        "R50",
        lambda: torchvision_resnet(Subnet.of("s64-w64.128.256.512-d3.4.6.3")),
    ),
    "ResNet-50, half as wide": (lambda: SlimmableResNet(50), "0.5", _slim_stock),
    "MobileNetV3-Large, half as wide": (
        lambda: SlimmableMobileNetV3(divisor=8),
        "0.5",
        lambda: _Features(0.5),
    ),
    "path of the routed ResNet-50": (
        KINDS["RoutedResNet-50, export"],
        "s64-w160.320.640.1280-d3.4.6.3-p0.3.1.2",
        lambda: torchvision_resnet(Subnet.of("s64-w64.128.256.512-d3.4.6.3")),
    ),
}


@dataclass(frozen=True)
class Timing:
    """How networks are timed.

    Attributes:
        device: See `pick_device`.
        batch: Images at a time.
        size: Their side, pixels.
        rounds: In each of which every network has its turn.
        seed: Of the weights.
    """

    device: str = AUTO
    batch: int = 1
    size: int = 224
    rounds: int = 11
    seed: int = 0


@torch.inference_mode()
def latency(case: str, timing: Timing) -> tuple[list[float], ...]:
    """Returns milliseconds of the stock, the exported and the elastic network.

    Args:
        case: One of `LATENCY`.
        timing: How often, and on what.
    """
    build, name, stock = LATENCY[case]
    device = pick_device(timing.device)
    elastic = make(build, timing.seed)
    subnet = elastic.resolve(name)
    if elastic.needs_calibration(subnet):
        calibrate(elastic, subnet, images(1, 2))
    state = export_state_dict(elastic, subnet)
    plain, model = elastic.build_plain(subnet), stock()
    for net in (plain, model):
        net.load_state_dict(state, strict=True)
        net.to(device).eval()
    elastic.to(device)
    x = torch.randn(timing.batch, 3, timing.size, timing.size, device=device)
    nets = {"stock": lambda: model(x), "plain": lambda: plain(x)}
    nets["elastic"] = lambda: elastic(x, subnet)
    clock = Clock(device)
    nets["stock"]()
    repeats = max(1, round(_TIMED / clock.seconds(nets["stock"])))
    calls = {name: partial(_repeat, net, repeats) for name, net in nets.items()}
    found = in_turns(calls, timing.rounds, clock, rotate=True)
    return tuple([1000 * s / repeats for s in column] for column in found.values())


def _repeat(call: Callable[[], object], times: int) -> None:
    for _ in range(times):
        call()


def latency_table(timing: Timing) -> Iterator[str]:
    """Yields the rows of the third table."""
    yield "| network | stock, ms | exported / stock | in the elastic net / exported |"
    yield "| --- | ---: | ---: | ---: |"
    for case in LATENCY:
        stock, plain, elastic = latency(case, timing)
        cells = [case, f"{statistics.median(stock):.1f}"]
        yield row([*cells, ratio(plain, stock), ratio(elastic, plain)])


def ratio(above: Sequence[float], below: Sequence[float]) -> str:
    """Returns median and quartiles of the ratios within each round."""
    return quartiles([a / b for a, b in zip(above, below, strict=True)], 3)
