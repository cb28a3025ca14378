"""Exact search: mmtaskssl's streaming search beside what else people use.

    speed_search.py [--rows 200000] [--dim 256] [--queries 500] [--k 20 100 1000]

The unit is pairs/s: queries x pool rows / seconds, the best of some repeats taken in
turns; ratios are the median of those within each round. Ours reads float16 shards from
disk block by block and returns exact scores with a defined order; the others get the
whole pool as float32 in memory.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from harness.clock import Clock, in_turns
from mmtaskssl.features.importing import import_features
from mmtaskssl.selection.coarse import measure
from mmtaskssl.selection.search import topk
from mmtaskssl.utils.errors import run_tool
from mmtaskssl.utils.families import BadValue


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--k", type=int, nargs="+", default=[20, 100, 1000])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--clock",
        choices=("wall", "cpu"),
        default="wall",
        help="cpu: processor time of this process, for a machine that others use too",
    )
    parser.add_argument("--json", help="also write the result to this file")
    return parser.parse_args(argv)


def make_features(rows: int, dim: int, rng: np.random.Generator) -> np.ndarray:
    # Correlated and off centre, as features of a network are.
    mix = rng.standard_normal((dim, dim), dtype=np.float32) * 0.8 ** (
        np.arange(dim, dtype=np.float32)[:, None] / 8
    )
    out = np.empty((rows, dim), dtype=np.float32)
    for i in range(0, rows, 65536):
        part = out[i : i + 65536]
        part[:] = np.maximum(rng.standard_normal(part.shape, dtype=np.float32) @ mix, 0)
    return out


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    if not 0 < max(args.k) <= args.rows:
        raise BadValue(f"--k must lie in 1..{args.rows}, the number of rows")
    torch.set_num_threads(args.threads)
    try:
        import faiss

        faiss.omp_set_num_threads(args.threads)
    except ImportError:
        faiss = None
    rng = np.random.default_rng(args.seed)
    told: list[dict] = []
    with tempfile.TemporaryDirectory() as folder:
        stores = []
        for name, rows in (("pool", args.rows), ("queries", args.queries)):
            file = Path(folder, f"{name}.npy")
            np.save(file, make_features(rows, args.dim, rng))
            ids = [str(i) for i in range(rows)]
            stores.append(import_features(file, ids, Path(folder, name)))
            os.unlink(file)
        pool, queries = stores[0], stores[1].read()
        in_memory = pool.read()
        rows_t, queries_t = torch.from_numpy(in_memory), torch.from_numpy(queries)
        chosen, _ = measure(*queries.shape, torch.device("cpu"))
        print(
            f"{args.rows:,} rows x {args.dim}, {args.queries} queries, {args.threads} "
            f"thread(s), {args.clock} time, best of {args.repeats}; coarse scores in "
            f"{str(chosen).removeprefix('torch.')}\n"
        )
        print(f"{'k':>6}  {'':<32}{'M pairs/s':>10}  {'ours / it':>9}")
        for k in args.k:
            contenders = {
                "ours, streaming from disk": lambda k=k: topk(
                    queries, pool, k, device="cpu"
                )
            }
            if faiss is not None:
                contenders["faiss.knn, in memory"] = lambda k=k: faiss.knn(
                    queries, in_memory, k, metric=faiss.METRIC_INNER_PRODUCT
                )
            contenders["torch matmul + topk, in memory"] = lambda k=k: torch.topk(
                queries_t @ rows_t.T, k
            )
            clock = Clock(wall=args.clock == "wall")
            rounds = in_turns(contenders, args.repeats, clock, warm_up=0)
            seconds = {name: min(spent) for name, spent in rounds.items()}
            ours = rounds["ours, streaming from disk"]
            for name, value in seconds.items():
                rate = args.queries * args.rows / value / 1e6
                pairs = zip(rounds[name], ours, strict=True)
                ratio = float(np.median([its / own for its, own in pairs]))
                print(f"{k:>6}  {name:<32}{rate:>10.1f}  {ratio:>8.2f}x", flush=True)
                told.append(
                    {"k": k, "name": name, "million_pairs_per_s": rate, "ratio": ratio}
                )
    if args.json:
        said = {n: v for n, v in vars(args).items() if n != "json"} | {
            "coarse": str(chosen),
            "results": told,
        }
        Path(args.json).write_text(json.dumps(said, indent=2) + "\n")


if __name__ == "__main__":
    run_tool(main)
