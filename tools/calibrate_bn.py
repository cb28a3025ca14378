"""Gives sub-nets of an elastic network batch-norm statistics of their own.

    calibrate_bn.py CONFIG CKPT --subnet NAME --images SRC
    calibrate_bn.py CONFIG CKPT --all --images SRC
    calibrate_bn.py CONFIG CKPT --all --clusters DIR   (paths of a routed network)

With --clusters, each path is calibrated on its own clusters (tools/cluster_data.py):
the last stage on the path's own, earlier stages on those of all paths with the same
beginning, so that routing can compute common beginnings once.

Writes CKPT's weights with the statistics to OUT (default: CKPT-calibrated.pth), for
evaluation and for export_subnet.py. Sub-nets that CKPT already has stay in it. A run
that was interrupted continues with the same command.
"""

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path

from mmtaskssl.utils.devices import add_device_option, pick_device
from mmtaskssl.utils.errors import UserError, run_tool
from mmtaskssl.utils.options import OptionsAction, add_pixel_option, add_trust_option


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", metavar="CONFIG")
    parser.add_argument("checkpoint", metavar="CKPT")
    parser.add_argument(
        "--subnet", nargs="+", metavar="NAME", help="names, or anchors such as MIN"
    )
    parser.add_argument(
        "--list", metavar="FILE", help="text file with one name a line, as well"
    )
    parser.add_argument(
        "--all", action="store_true", help="every sub-net of a space that can be listed"
    )
    parser.add_argument("--images", metavar="SRC", help="folder, .txt, .csv or .jsonl")
    parser.add_argument("--root", help="where listed paths begin, or clusters' images")
    parser.add_argument(
        "--clusters", metavar="DIR", help="instead of --images: folder of clusters"
    )
    parser.add_argument(
        "--alone",
        action="store_true",
        help="with --clusters: all stages on the path's own cluster (slower routing)",
    )
    parser.add_argument(
        "--num-images",
        type=int,
        help="default: 1024, or 256 of each cluster with --clusters",
    )
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument(
        "--image-size", type=int, help="default: the config's view size"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the draw of images")
    parser.add_argument(
        "--source",
        choices=("online", "ema"),
        default="online",
        help="the trained encoder or its moving average (default: online)",
    )
    add_pixel_option(parser)
    add_trust_option(parser)
    add_device_option(parser)
    parser.add_argument("--out", metavar="OUT")
    parser.add_argument(
        "--cfg-options", nargs="+", action=OptionsAction, metavar="KEY=VALUE"
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    if bool(args.images) == bool(args.clusters):
        raise UserError("name the images, either with --images or with --clusters")
    if args.alone and not args.clusters:
        raise UserError("--alone says on which clusters: it needs --clusters")
    # Late, so that --help and wrong arguments answer at once.
    from mmtaskssl.datasets.image_sample import draw_images
    from mmtaskssl.export.calibrate import calibrate_source
    from mmtaskssl.networks import open_network, preprocessing_of
    from mmtaskssl.networks.choice import choose_subnets

    device = pick_device(args.device)
    names = list(args.subnet or [])
    if args.list:
        if not Path(args.list).is_file():
            raise UserError(f"list of sub-nets {args.list} does not exist")
        names += Path(args.list).read_text(encoding="utf-8").split()
    source = open_network(
        args.config,
        args.checkpoint,
        source=args.source,
        trust=args.trust_checkpoint,
        cfg_options=args.cfg_options,
        subnets=True,
    )
    subnets = choose_subnets(source.backbone, names, args.all)
    if args.all:
        subnets = [s for s in subnets if source.backbone.needs_calibration(s)]
    if not subnets:
        raise UserError("no sub-net of this network needs calibration")
    checkpoint = Path(args.checkpoint)
    out = args.out or checkpoint.with_name(f"{checkpoint.stem}-calibrated.pth")
    transform = preprocessing_of(source.config, args.image_size)
    if args.clusters:
        images = calibrate_on_clusters(args, source, subnets, transform, device, out)
    else:
        sample = draw_images(
            args.images,
            transform,
            1024 if args.num_images is None else args.num_images,
            args.batch_size,
            args.seed,
            args.root,
        )
        calibrate_source(source, subnets, sample, out, device)
        images = len(sample.ids)
    print(
        f"{out}: statistics of {len(subnets)} sub-nets from {images} images; "
        f"use it in place of {args.checkpoint}"
    )


def calibrate_on_clusters(args, source, subnets, transform, device, out) -> int:
    """Calibrates paths; returns how many images took part."""
    from mmtaskssl.clustering.clusters import Clusters
    from mmtaskssl.routing.calibrate import calibrate_clusters
    from mmtaskssl.routing.cluster_sample import ClusterSample

    clusters = Clusters.open(args.clusters)
    if args.root is not None:
        clusters = dataclasses.replace(clusters, root=args.root)
    sample = ClusterSample(
        clusters,
        transform,
        256 if args.num_images is None else args.num_images,
        args.batch_size,
        args.seed,
    )
    calibrate_clusters(source, subnets, sample, out, device, not args.alone)
    return len(sample)


if __name__ == "__main__":
    run_tool(main)
