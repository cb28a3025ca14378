"""Clustering: mmtaskssl's balanced clusters beside `faiss.Kmeans`.

    speed_clustering.py [--rows 200000] [--dim 256] [--tree 4x4x4x4] [--upper 2 1.15]

Features are made as those of speed_search.py. Seconds are processor time of this
process, of one run each. faiss has as many clusters, flat, fitted on all rows and on
the sample that it draws by default; ours reads float16 and keeps bounds of sizes, as a
tree and flat, which is fitted on as many rows as faiss draws. With a bound of 1.15 the
largest cluster may be one row above it, for rows are whole.
"""

import argparse
import functools
import json
import math
from collections.abc import Sequence
from pathlib import Path

import faiss
import numpy as np
import torch

from harness.clock import Clock
from mmtaskssl.clustering import measure
from mmtaskssl.clustering.options import Options, parse_tree
from mmtaskssl.clustering.tree import TreeBuilder
from mmtaskssl.features.memory import MemoryStore
from mmtaskssl.utils.errors import run_tool
from speed_search import make_features


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--tree", default="4x4x4x4")
    parser.add_argument("--upper", type=float, nargs="+", default=[2.0, 1.15])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", help="also write the result to this file")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    torch.set_num_threads(args.threads)
    faiss.omp_set_num_threads(args.threads)
    rng = np.random.default_rng(args.seed)
    names = [str(i) for i in range(args.rows)]
    pool = MemoryStore(make_features(args.rows, args.dim, rng), names)
    rows, tree = pool.read(), parse_tree(args.tree)
    leaves = math.prod(tree)

    def flat(most: int) -> np.ndarray:
        found = faiss.Kmeans(
            *(args.dim, leaves),
            spherical=True,
            seed=args.seed + 1,
            max_points_per_centroid=most,
        )
        found.train(rows)
        return found.index.search(rows, 1)[1][:, 0]

    def balanced(upper: float, tree: tuple[int, ...], sample: int) -> np.ndarray:
        how = Options(tree, args.seed, upper=upper, sample=sample)
        builder = TreeBuilder(pool, tree, how.lower, upper, args.seed, how.sample)
        return builder.build()

    contenders = {
        "faiss.Kmeans, all rows": lambda: flat(args.rows),
        "faiss.Kmeans, its sample": lambda: flat(256),
    }
    for upper in args.upper:
        for shape, splits, sample in (
            ("tree", tree, Options.sample),
            ("flat", (leaves,), 256 * leaves),
        ):
            contenders[f"ours, {shape}, sizes up to {upper:g}"] = functools.partial(
                balanced, upper, splits, sample
            )
    clock, told = Clock(), []
    print(f"{'':<28}{'CPU s':>8}{'largest/mean':>14}{'cohesion':>10}")
    for name, call in contenders.items():
        seconds, leaf = clock.timed(call)
        sizes = np.bincount(leaf, minlength=leaves)
        each = measure.cohesion(measure.feature_sums(pool, leaf, leaves), sizes)
        figures = {
            "seconds": round(seconds, 2),
            "imbalance": round(float(sizes.max() / sizes.mean()), 4),
            "cohesion": round(float(np.average(each, weights=sizes)), 4),
        }
        told.append({"name": name} | figures)
        print(
            f"{name:<28}{figures['seconds']:>8.1f}{figures['imbalance']:>14.3f}"
            f"{figures['cohesion']:>10.3f}",
            flush=True,
        )
    if args.json:
        said = {n: v for n, v in vars(args).items() if n != "json"} | {"results": told}
        Path(args.json).write_text(json.dumps(said, indent=2) + "\n")


if __name__ == "__main__":
    run_tool(main)
