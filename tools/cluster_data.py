"""Clusters a pool into a tree of balanced clusters, one per path of a routed network.

    cluster_data.py --pool STORE --tree 4x4x4x4 --out DIR

STORE comes from tools/extract_features.py. Writes into DIR: manifest.json (sizes,
imbalance, cohesion, the path of each cluster), ids.txt, leaf.npy (cluster of each
image), centroids.npy and report.html. A run that was interrupted continues with the
same command.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmtaskssl.clustering.build import REPORT, Options, Result, cluster_pool
from mmtaskssl.clustering.paths import PATH_MAPS
from mmtaskssl.utils.errors import run_tool
from mmtaskssl.utils.options import add_pixel_option
from mmtaskssl.utils.progress import ProgressLine


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pool", required=True, metavar="STORE")
    parser.add_argument(
        "--tree",
        required=True,
        help="branches of each level, coarse first: one level per stage of the "
        "network, as many branches as it has groups there (4x4x4x4: 256 clusters)",
    )
    parser.add_argument("--out", required=True, metavar="DIR")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--lower",
        type=float,
        default=Options.lower,
        metavar="FACTOR",
        help="least size of a cluster over the mean size (default %(default)s)",
    )
    parser.add_argument(
        "--upper",
        type=float,
        default=Options.upper,
        metavar="FACTOR",
        help="most size of a cluster over the mean size (default %(default)s)",
    )
    parser.add_argument(
        "--sample",
        type=int,
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
        help="columns image,label: purity and NMI, for the report only",
    )
    parser.add_argument(
        "--pool-root", metavar="DIR", help="where the pool's images lie now"
    )
    add_pixel_option(parser)
    parser.add_argument("--no-report", action="store_true", help="skip report.html")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace earlier clusters"
    )
    return parser.parse_args(argv)


def show(result: Result, out: Path) -> None:
    manifest = result.clusters.manifest
    if not result.new:
        print(f"{out} is complete already, from the same inputs: nothing to do")
    labels = manifest.get("labels")
    head = f"\n  {'clusters':>8} {'smallest':>9} {'largest':>9} {'imbalance':>10}"
    head += f" {'cohesion':>9}" + (f" {'purity':>7} {'NMI':>6}" if labels else "")
    print(head)
    for level, row in enumerate(manifest["levels"]):
        line = (
            f"  {row['clusters']:>8,} {row['smallest']:>9,} {row['largest']:>9,} "
            f"{row['imbalance']:>10.2f} {row['cohesion']:>9.3f}"
        )
        if labels and level:
            agreement = labels["levels"][level - 1]
            line += f" {agreement['purity']:>7.3f} {agreement['nmi']:>6.3f}"
        print(line)
    if manifest["unusable"]:
        print(
            f"\n{manifest['unusable']:,} images have no usable feature: in no cluster"
        )
    print(f"\nwritten: {out} in {manifest['seconds']:.1f} s")
    if (out / REPORT).is_file():
        print(f"look at: {out / REPORT}")


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    options = Options(
        pool=args.pool,
        tree=args.tree,
        out=args.out,
        seed=args.seed,
        lower=args.lower,
        upper=args.upper,
        sample=args.sample,
        path_map=args.path_map,
        random=args.random,
        labels=args.labels,
        pool_root=args.pool_root,
        report=not args.no_report,
        overwrite=args.overwrite,
    )
    show(cluster_pool(options, log=print, progress=ProgressLine), Path(args.out))


if __name__ == "__main__":
    run_tool(main)
