"""Lists the sub-nets of a config with their MACs, parameters and latency."""

import argparse
import functools

from mmtaskssl.utils.devices import add_device_option, pick_device
from mmtaskssl.utils.errors import UserError, run_tool
from mmtaskssl.utils.options import OptionsAction


def parse_args(argv):
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="MACs are multiply-accumulates of convolutions and linear layers of the "
        "backbone per image; batch norm, activations and pooling are not counted. "
        "Parameters are those of the exported plain network.",
    )
    parser.add_argument("config", help="a training config, or one with only a `space`")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--subnet",
        nargs="+",
        metavar="NAME",
        help="anchors such as R50, or names such as s64-w64.128.256.512-d3.4.6.3 "
        "(default: all anchors)",
    )
    what.add_argument("--list", action="store_true", help="every sub-net of the space")
    what.add_argument(
        "--space-summary",
        action="store_true",
        help="how many sub-nets there are and how their costs are spread",
    )
    parser.add_argument(
        "--shape",
        nargs="+",
        type=int,
        default=[224],
        metavar="N",
        help="side of the image, or its height and width (default: 224)",
    )
    parser.add_argument(
        "--latency", action="store_true", help="time the plain network of each sub-net"
    )
    add_device_option(parser, "for --latency")
    parser.add_argument("--batch-size", type=int, default=1, help="for --latency")
    parser.add_argument("--repeats", type=int, default=20, help="for --latency")
    parser.add_argument("--csv", metavar="OUT", help="write the table here, too")
    parser.add_argument("--plot", metavar="OUT", help="draw the space into this image")
    parser.add_argument(
        "--cfg-options", nargs="+", action=OptionsAction, metavar="KEY=VALUE"
    )
    return parser.parse_args(argv)


def read_network(config, options):
    """Returns the search space, a function like `cost`, and the backbone or None."""
    import torch

    from mmtaskssl.config import load_config
    from mmtaskssl.models.backbones.elastic_backbone import ElasticBackbone
    from mmtaskssl.registry import MODELS
    from mmtaskssl.subnets import build_space, cost, find_backbone

    cfg = load_config(config, options)
    if cfg.get("space") is not None:
        space = build_space(cfg.space)
        return space, functools.partial(cost, space.arch), None
    found = find_backbone(cfg.to_dict())
    if found is None:
        raise UserError(
            f"config {config} has neither a `space` nor a model with a backbone"
        )
    kind = MODELS.get(found["type"]) if "type" in found else None
    if not (isinstance(kind, type) and issubclass(kind, ElasticBackbone)):
        raise UserError(
            f"the backbone of config {config}, {found.get('type')}, has no sub-nets"
        )
    try:
        with torch.device("meta"):  # a supernet's weights are of no use here
            backbone = MODELS.build(dict(found))
    except TypeError as error:
        raise UserError(f"the backbone of config {config}: {error}") from None
    return backbone.space, backbone.cost, backbone


def make_clock(space, backbone, args):
    """Returns a function that times the plain network of a sub-net."""
    import torch

    from mmtaskssl.models.backbones import SubnetMobileNetV3, SubnetResNet
    from mmtaskssl.subnets import ResNetArch, measure_latency

    def build(subnet):
        if backbone is not None:
            return backbone.build_plain(subnet)
        resnet = isinstance(space.arch, ResNetArch)
        return (SubnetResNet if resnet else SubnetMobileNetV3)(subnet, space.arch)

    device = pick_device(args.device)
    try:
        size = (args.shape * 2)[:2]
        shape = (args.batch_size, getattr(backbone, "in_channels", 3), *size)
        images = torch.zeros(shape, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"--batch-size cannot be used: {reason}") from None
    wait = torch.cuda.synchronize if device.type == "cuda" else None

    def clock(subnet):
        network = build(subnet).eval().to(device)
        with torch.inference_mode():
            return measure_latency(
                lambda: network(images), args.repeats, synchronize=wait
            )

    return clock


def main(argv=None):
    args = parse_args(argv)
    from mmtaskssl.subnets.report import (
        format_csv,
        format_table,
        make_rows,
        plot_space,
        summarize,
    )
    from mmtaskssl.utils.atomic import write_text

    space, price, backbone = read_network(args.config, args.cfg_options)
    shape = args.shape[0] if len(args.shape) == 1 else tuple(args.shape)
    price = functools.partial(price, shape=shape)
    if args.space_summary:
        print(summarize(space, price))
    subnets = sorted(
        set(space.anchors.values()), key=lambda s: price(s).macs, reverse=True
    )
    if args.subnet:
        subnets = [space.resolve(name) for name in args.subnet]
    elif args.list:
        subnets = space
    clock = make_clock(space, backbone, args) if args.latency else None
    rows = make_rows(space, subnets, price, clock)
    if not args.space_summary:
        print(format_table(rows))
    if args.csv:
        write_text(args.csv, format_csv(rows))
    if args.plot:
        plot_space(space, rows, price, args.plot)


if __name__ == "__main__":
    run_tool(main)
