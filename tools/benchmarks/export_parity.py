"""Exported sub-nets beside the elastic network: the same numbers, the same speed.

    export_parity.py [--tables parity hosts latency] [--kinds NAME ...]

Three Markdown tables:

Parity. For every kind of elastic backbone at full size: its anchors and random sub-nets
are calibrated, exported to files, built from meta.json, loaded strictly, and compared
with the elastic network on images that nothing was calibrated on, at every stage's
output (float32, evaluation). Differences are absolute, beside the largest feature.

Hosts. The anchors of DATA's space at full size, exported and loaded strictly by
mmdet, mmseg and torchvision: into their own ResNet where it has the shape, else into
mmtaskssl.SubnetResNet, built by the host's registry.

Latency. A stock network, the exported one of the same shape, and the sub-net inside of
the elastic network, all with the same weights, in turns, in rotating order; ratios
are taken within a round. On a CPU the clock counts this process' CPU time.

Weights are random, with batch norms whose affine and statistics matter.
"""

import argparse
import importlib
import logging
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

import torch
import torchvision
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from torch import Tensor, nn

from mmtaskssl.export import export_state_dict, host_config, write_bundle
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
from mmtaskssl.utils.errors import UserError, run_tool

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
ANCHORS = ("R50", "R77", "R101", "MIN")
_SIZE, _BATCH = 64, 4
_TIMED = 0.1  # seconds of calls that one measurement takes, or one call


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
        yield f"| {kind} | {len(subnets)} | {worst:.1e} | {largest:.1f} |"


@torch.no_grad()
def host_table(seed: int) -> Iterator[str]:
    """Yields the rows of the second table."""
    yield "| anchor | sub-net | loaded strictly into | worst difference |"
    yield "| --- | --- | --- | ---: |"
    net, (x,) = make(KINDS["DynamicResNet, bottleneck"], seed), images(1234, 1)
    for name in ANCHORS:
        subnet = net.resolve(name)
        calibrate(net, subnet, images(1, 2))
        state, expected = export_state_dict(net, subnet), net(x, subnet)
        for label, model in host_models(net, subnet):
            model.load_state_dict(state, strict=True)
            model.eval()  # returns None in mmdet
            worst, _ = difference(expected, model(x))
            yield f"| {name} | `{subnet}` | {label} | {worst:.1e} |"


def host_models(
    net: ElasticBackbone, subnet: Subnet
) -> Iterator[tuple[str, nn.Module]]:
    """Yields what each host builds for a sub-net, with random weights."""
    for host in ("mmdet", "mmseg"):
        config = host_config(net, subnet, host, None)
        for key in ("strides", "dilations", "contract_dilation"):
            config.pop(key, None)  # the same weights at the stride of classification
        yield f"{config['type']} (by {host})", host_build(host, config)
    if subnet.stem == 64 and subnet.widths == (64, 128, 256, 512):
        yield f"torchvision ResNet {list(subnet.depths)}", torchvision_resnet(subnet)


def host_build(host: str, config: dict) -> nn.Module:
    """Builds a backbone with a host's registry."""
    importlib.import_module(f"{host}.models")  # registers
    return importlib.import_module(f"{host}.registry").MODELS.build(config)


class _Stages(nn.Module):
    """A torchvision ResNet that returns its stages' outputs."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        net.fc = nn.Identity()
        self.net = net

    def load_state_dict(self, state, strict=True):
        return self.net.load_state_dict(state, strict=strict)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Returns the feature maps of the four stages."""
        net, outs = self.net, []
        x = net.maxpool(net.relu(net.bn1(net.conv1(x))))
        for layer in (net.layer1, net.layer2, net.layer3, net.layer4):
            outs.append(x := layer(x))
        return outs


def torchvision_resnet(subnet: Subnet) -> nn.Module:
    """Returns torchvision's bottleneck ResNet of these depths."""
    block = torchvision.models.resnet.Bottleneck
    return _Stages(torchvision.models.ResNet(block, list(subnet.depths)))


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


@torch.inference_mode()
def latency(case: str, args: argparse.Namespace) -> tuple[list[float], ...]:
    """Returns milliseconds of the stock, the exported and the elastic network."""
    build, name, stock = LATENCY[case]
    device = torch.device(args.device)
    elastic = make(build, args.seed)
    subnet = elastic.resolve(name)
    if elastic.needs_calibration(subnet):
        calibrate(elastic, subnet, images(1, 2))
    state = export_state_dict(elastic, subnet)
    plain, model = elastic.build_plain(subnet), stock()
    for net in (plain, model):
        net.load_state_dict(state, strict=True)
        net.to(device).eval()
    elastic.to(device)
    x = torch.randn(args.batch, 3, args.size, args.size, device=device)
    calls = (lambda: model(x), lambda: plain(x), lambda: elastic(x, subnet))
    columns: tuple[list[float], ...] = ([], [], [])
    calls[0]()
    repeats = max(1, round(_TIMED / _seconds(calls[0], device, 1)))
    for number in range(args.rounds + 1):
        # Whoever comes first may find colder caches.
        for place in range(len(calls)):
            index = (number + place) % len(calls)
            columns[index].append(1000 * _seconds(calls[index], device, repeats))
    return tuple(column[1:] for column in columns)  # the first round warms up


def _seconds(call: Callable[[], object], device: torch.device, repeats: int) -> float:
    """Returns the mean time of some calls."""
    cpu = device.type == "cpu"
    now = time.process_time if cpu else time.perf_counter
    wait = (lambda: None) if cpu else torch.cuda.synchronize
    wait()
    begin = now()
    for _ in range(repeats):
        call()
    wait()
    return (now() - begin) / repeats


def latency_table(args: argparse.Namespace) -> Iterator[str]:
    """Yields the rows of the third table."""
    yield "| network | stock, ms | exported / stock | in the elastic net / exported |"
    yield "| --- | ---: | ---: | ---: |"
    for case in LATENCY:
        stock, plain, elastic = latency(case, args)
        yield (
            f"| {case} | {statistics.median(stock):.1f} | {_ratio(plain, stock)} | "
            f"{_ratio(elastic, plain)} |"
        )


def _ratio(above: Sequence[float], below: Sequence[float]) -> str:
    ratios = [a / b for a, b in zip(above, below, strict=True)]
    low, _, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return f"{statistics.median(ratios):.3f} [{low:.3f}, {high:.3f}]"


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = ["parity", "hosts", "latency"]
    parser.add_argument("--tables", nargs="+", choices=names, default=names)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--subnets", type=int, default=20, help="of each kind")
    parser.add_argument("--rounds", type=int, default=11, help="of timing")
    parser.add_argument("--batch", type=int, default=1, help="of timing")
    parser.add_argument("--size", type=int, default=224, help="of timing, pixels")
    parser.add_argument("--device", default="cpu", help="of timing, e.g. cuda")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    if args.subnets < 1 or args.rounds < 2:
        raise UserError("--subnets must be 1 or more, and --rounds at least 2")
    if args.device != "cpu" and not torch.cuda.is_available():
        raise UserError(f"--device {args.device}: there is no such device here")
    torch.set_num_threads(1)
    MMLogger.get_current_instance().setLevel(logging.ERROR)
    init_default_scope("mmtaskssl")
    tables = {
        "parity": parity_table(args.kinds, args.subnets, args.seed),
        "hosts": host_table(args.seed),
        "latency": latency_table(args),
    }
    for name in args.tables:
        for line in tables[name]:
            print(line, flush=True)
        print()


if __name__ == "__main__":
    run_tool(main)
