"""Clusters a pool into a tree of balanced clusters, one per path of a routed network.

    cluster_data.py --pool STORE --tree 4x4x4x4 --out DIR

STORE comes from tools/extract_features.py; with --network, --pool may name images
instead. Writes into DIR: manifest.json (sizes, imbalance, cohesion, the path of each
cluster), ids.txt, leaf.npy (cluster of each image), centroids.npy and report.html. A
run that was interrupted continues with the same command.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from ..clustering.options import PATH_MAPS, Options, parse_tree
from ..utils.progress import ProgressLine
from . import kinds, options, plans
from .extractor import add_network_of_images, open_network_of_images
from .saying import say, say_complete


def make_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    parser = options.make_parser(__doc__)
    options.add_pool(parser)
    parser.add_argument(
        "--tree",
        required=True,
        help="branches of each level, coarse first: one level per stage of the "
        "network, as many branches as it has groups there (4x4x4x4: 256 clusters)",
    )
    options.add_out(parser, "clusters")
    options.add_seed(parser, "samples, starts and random maps")
    parser.add_argument(
        "--lower",
        type=kinds.number(0),
        default=Options.lower,
        metavar="FACTOR",
        help="least size of a cluster over the mean size (default %(default)s)",
    )
    parser.add_argument(
        "--upper",
        type=kinds.number(0),
        default=Options.upper,
        metavar="FACTOR",
        help="most size of a cluster over the mean size (default %(default)s)",
    )
    parser.add_argument(
        "--sample",
        type=kinds.COUNT,
        default=Options.sample,
        metavar="ROWS",
        help="most images that each split is fitted on; all images are assigned "
        "(default %(default)s)",
    )
    parser.add_argument(
        "--path-map",
        choices=PATH_MAPS,
        default=Options.path_map,
        help="which path trains on which cluster: the coarse digit picks the group of "
        "the last stage (default), of the first one, or the map is random",
    )
    parser.add_argument(
        "--random",
        action="store_true",
        help="random clusters of equal size: the control arm",
    )
    parser.add_argument(
        "--labels",
        metavar="CSV",
        help="columns image,label, or 'folder' (the first one of each image): purity "
        "and NMI, for the report only",
    )
    options.add_pool_root(parser)
    add_network_of_images(parser, "--pool")
    options.add_max_pixels(parser)
    options.add_no_report(parser)
    options.add_no_images(parser)
    plans.add_dry_run(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Clusters, or says that it is done already."""
    args = make_parser().parse_args(argv)
    if args.dry_run:
        say(plans.of_cluster(args, argv).table())
        return
    names = ("seed", "lower", "upper", "sample", "path_map", "random")
    how = Options(
        parse_tree(args.tree), **{name: getattr(args, name) for name in names}
    )
    from ..clustering.folder import cluster_to_folder

    clusters, new = cluster_to_folder(
        *(args.out, args.pool, how),
        labels=args.labels,
        pool_root=args.pool_root,
        network=open_network_of_images(args),
        overwrite=args.overwrite,
        report=not args.no_report,
        thumbnails=args.thumbnails,
        log=print,
        progress=ProgressLine,
    )
    if not new:
        say_complete(args.out)
    print(f"\n{clusters.table()}")
    if new:
        print(f"\nwritten: {args.out} in {clusters.manifest['seconds']:.1f} s")
    page = Path(args.out, "report.html")
    if page.is_file():
        print(f"look at: {page}")
