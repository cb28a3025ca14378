"""Routing with common beginnings computed once, against one forward pass a path.

    speed_routing.py                       256 paths of a 10-layer ResNet, 40 px
    speed_routing.py --depth 50 --base-width 64 --size 224 --images 4 --paths 256

Weights are random, and so are the statistics, which are equal where paths begin alike,
as those of tools/calibrate_bn.py --clusters are. Prints both times, their ratio and the
largest difference of the features; ends with status 1 if the ratio is below --least or
the features differ.
"""

import argparse
from collections.abc import Sequence

import torch

from harness.clock import Clock
from mmtaskssl.cli import options
from mmtaskssl.models.backbones import RoutedResNet
from mmtaskssl.models.elastic import num_channels
from mmtaskssl.networks import initialize
from mmtaskssl.routing.shared import SharedPaths
from mmtaskssl.utils.devices import pick_device
from mmtaskssl.utils.errors import run_tool

# float32 rounding of one and the same arithmetic.
_TOLERANCE = 1e-4


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--depth", type=int, default=10)
    parser.add_argument("--style", choices=("compact", "export"), default="compact")
    parser.add_argument("--groups", type=int, default=4, help="paths: groups ** 4")
    parser.add_argument("--base-width", type=int, default=32)
    parser.add_argument("--stem-kernel", type=int, choices=(3, 7), default=7)
    parser.add_argument("--size", type=int, default=40, help="side of the images")
    parser.add_argument("--images", type=int, default=64, help="one batch")
    parser.add_argument("--rounds", type=int, default=2, help="the fastest counts")
    options.add_device(parser)
    parser.add_argument("--least", type=float, default=2.5, help="ratio demanded")
    return parser.parse_args(argv)


def shared_statistics(net: RoutedResNet) -> None:
    """Gives paths random statistics, a function of what they share up to each norm."""
    table: dict[tuple, torch.Tensor] = {}
    generator = torch.Generator().manual_seed(0)
    for path in net.space:
        parts = []
        for unit in net.view(path).units.values():
            first = unit.conv.split(".")[0]
            depth = int(first[len("layer") :]) if first.startswith("layer") else 0
            key = (unit.conv, path.path[:depth])
            if key not in table:
                shape = (2, num_channels(unit.out))
                table[key] = torch.rand(shape, generator=generator) + 0.5
                table[key][0] -= 1
            parts.append(table[key])
        net.subnet_statistics.set(path.name, torch.cat(parts, dim=1))


@torch.inference_mode()
def alone(net: RoutedResNet, images: torch.Tensor) -> torch.Tensor:
    """Returns (paths, N, D) features, one forward pass after the other."""
    return torch.stack([net(images, path)[-1].mean(dim=(2, 3)) for path in net.space])


def seconds(work, rounds: int, device: str) -> tuple[float, torch.Tensor]:
    """Returns the shortest time and the result."""
    clock = Clock(device)
    runs = [clock.timed(work) for _ in range(rounds)]
    return min(spent for spent, _ in runs), runs[-1][1]


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    args.device = str(pick_device(args.device))
    torch.manual_seed(0)
    net = RoutedResNet(
        args.depth,
        args.style,
        args.groups,
        args.base_width,
        args.stem_kernel,
        zero_init_residual=False,
    )
    initialize(net)
    shared_statistics(net)
    net = net.to(args.device).eval()
    images = torch.randn(args.images, 3, args.size, args.size, device=args.device)
    shared = SharedPaths(net, list(net.space))
    before, expected = seconds(
        lambda: alone(net, images).cpu(), args.rounds, args.device
    )
    after, found = seconds(
        lambda: shared.features([images], args.images), args.rounds, args.device
    )
    scale = expected.abs().amax().clamp_min(1)
    difference = float((expected - found).abs().max() / scale)
    ratio = before / after
    print(
        f"{len(net.space)} paths of a routed ResNet-{args.depth} ({args.style}, base "
        f"width {args.base_width}), {args.images} images of {args.size} px, "
        f"{args.device}\n"
        f"  one forward pass a path      {before:8.2f} s\n"
        f"  common beginnings once       {after:8.2f} s  ({shared.stages_run} of "
        f"{shared.stages_alone} stems and stages)\n"
        f"  ratio                        {ratio:8.2f}\n"
        f"  largest difference           {difference:8.1e} (relative)"
    )
    return int(ratio < args.least or difference > _TOLERANCE)


if __name__ == "__main__":
    run_tool(main)
