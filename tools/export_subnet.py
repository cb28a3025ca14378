"""Exports sub-nets of a trained elastic network as plain networks.

    export_subnet.py CONFIG CKPT --subnet NAME --out DIR
    export_subnet.py CONFIG CKPT --all --out DIR

Each sub-net becomes a folder DIR/NAME with weights.pth (torch.load with
weights_only=True), meta.json, and config.py with a backbone for mmdet, mmseg and
mmselfsup to inherit or to paste.
"""

import argparse
from collections.abc import Sequence

from mmtaskssl.utils.errors import run_tool
from mmtaskssl.utils.options import OptionsAction, add_trust_option


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", metavar="CONFIG")
    parser.add_argument("checkpoint", metavar="CKPT")
    parser.add_argument(
        "--subnet", nargs="+", metavar="NAME", help="names, or anchors such as MAX"
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="every sub-net of the space; of a large space, every calibrated one",
    )
    parser.add_argument(
        "--source",
        choices=("online", "ema"),
        default="online",
        help="the trained encoder or its moving average (default: online)",
    )
    add_trust_option(parser)
    parser.add_argument("--out", required=True, metavar="DIR")
    parser.add_argument("--format", choices=("pth", "safetensors"), default="pth")
    parser.add_argument(
        "--cfg-options", nargs="+", action=OptionsAction, metavar="KEY=VALUE"
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    # Late, so that --help and wrong arguments answer at once.
    from mmtaskssl.export import write_bundle
    from mmtaskssl.models.elastic import uncalibrated
    from mmtaskssl.networks import open_network
    from mmtaskssl.networks.choice import choose_subnets

    source = open_network(
        args.config,
        args.checkpoint,
        source=args.source,
        trust=args.trust_checkpoint,
        cfg_options=args.cfg_options,
        subnets=True,
    )
    subnets = choose_subnets(source.backbone, args.subnet, args.all)
    for subnet in subnets:  # before any is written
        if not source.backbone.is_calibrated(subnet):
            raise uncalibrated(subnet.name)
    for subnet in subnets:
        meta = write_bundle(source.backbone, subnet, args.out, source.meta, args.format)
        stock = meta["stock_resnet"]
        kind = f"ResNet-{stock['depth']}" if stock else meta["plain_network"]["type"]
        print(
            f"{args.out}/{subnet}: {kind}, {meta['macs'] / 1e9:.2f} GMAC, "
            f"{meta['params'] / 1e6:.2f} M parameters, difference to the elastic "
            f"network {meta['difference']:.1e}"
        )


if __name__ == "__main__":
    run_tool(main)
