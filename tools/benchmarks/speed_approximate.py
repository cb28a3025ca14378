"""Search within a bound of memory, and approximate search beside it, in a pool on disk.

    speed_approximate.py --work DIR [--rows 200000] [--memory 2GiB]

Makes a clustered pool in DIR, chunk by chunk, and queries that are drawn like it, but
for what is there already from the same numbers. Then, each in a process of its own: the
exact search, the making of an index, and searches by it that look through some numbers
of lists, whose recall is against the exact search. Memory is the peak of the process
(VmHWM), with what it held before it began: the interpreter and its packages.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness.memory import resident
from mmtaskssl.features.store import FeatureStore
from mmtaskssl.features.writer import FeatureStoreWriter
from mmtaskssl.selection.approximate.build import build_index
from mmtaskssl.selection.approximate.index import SearchIndex
from mmtaskssl.selection.bounded import topk_within
from mmtaskssl.selection.bounds import plan_exact
from mmtaskssl.utils.budgets import count_bytes
from mmtaskssl.utils.errors import run_tool
from mmtaskssl.utils.families import StepFailed
from mmtaskssl.utils.inputs import load_array

_ROWS_PER_SHARD = 65536
# Rows of a cluster, and dimensions that they differ in.
_CLUSTER, _RANK = 2000, 64
_STEPS = ("make", "exact", "build", "search")


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", required=True, help="receives pool, index, answers")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--k", type=int, nargs="+", default=[20, 100])
    parser.add_argument("--probes", type=int, nargs="+", default=[16, 64])
    parser.add_argument("--lists", type=int)
    parser.add_argument("--code-bytes", type=int)
    parser.add_argument("--rerank", type=int)
    parser.add_argument("--memory", default="2GiB")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--step", choices=_STEPS, help="one alone, in this process")
    parser.add_argument("--json", help="also write the result to this file")
    return parser.parse_args(argv)


class Drawn:
    """Rows around centres: a cluster's rows differ in some dimensions, unevenly.

    Args:
        rows: Of the pool, which has a cluster for each 2,000.
        dim: Features a row.
        seed: Of the centres, and of what they differ in.
    """

    def __init__(self, rows: int, dim: int, seed: int) -> None:
        rng = np.random.default_rng([seed, 0])
        count = max(1, rows // _CLUSTER)
        self._centres = rng.standard_normal((count, dim), dtype=np.float32) + 0.5
        decay = 0.95 ** np.arange(_RANK, dtype=np.float32)[:, None]
        self._mix = rng.standard_normal((_RANK, dim), dtype=np.float32) * decay * 0.25
        sizes = np.exp(rng.standard_normal(count))
        self._ends = np.cumsum(sizes / sizes.sum())

    def rows(self, count: int, *seed: int) -> np.ndarray:
        """Returns (count, dim) float16 of length one."""
        rng = np.random.default_rng(np.random.SFC64(seed))
        at = np.searchsorted(self._ends, rng.random(count)).clip(
            max=len(self._centres) - 1
        )
        found = rng.standard_normal((count, _RANK), dtype=np.float32) @ self._mix
        found += self._centres[at]
        found /= np.linalg.norm(found, axis=1, keepdims=True)
        return found.astype(np.float16)


def make(args: argparse.Namespace) -> dict[str, Any]:
    drawn = Drawn(args.rows, args.dim, args.seed)
    facts = {"name": f"drawn {args.rows} x {args.dim}, seed {args.seed}"}
    for number, (name, rows) in enumerate(
        (("pool", args.rows), ("queries", args.queries)), start=1
    ):
        writer = FeatureStoreWriter.prepare(
            Path(args.work, name),
            [str(i) for i in range(rows)],
            dim=args.dim,
            extractor=facts,
            rows_per_shard=_ROWS_PER_SHARD,
        )
        for index in writer.missing_shards():
            start, stop = writer.shard_range(index)
            part = drawn.rows(stop - start, args.seed, number, index)
            writer.write_unit_shard(index, part, {})
        writer.finish()
    files = Path(args.work, "pool").glob("shard-*.npy")
    return {"bytes": sum(file.stat().st_size for file in files)}


def _opened(args: argparse.Namespace) -> tuple[FeatureStore, np.ndarray, float]:
    """Opens both stores; the first reading of a store compares its checksums."""
    pool = FeatureStore.open(Path(args.work, "pool"))
    begin = time.perf_counter()
    for _ in pool.iter_shards():
        pass
    compared = time.perf_counter() - begin
    return pool, FeatureStore.open(Path(args.work, "queries")).read(), compared


def exact(args: argparse.Namespace) -> dict[str, Any]:
    pool, queries, compared = _opened(args)
    memory, found = count_bytes("memory", args.memory), []
    for k in args.k:
        plan = plan_exact(len(queries), args.dim, len(pool), k, memory)
        before, cpu = time.perf_counter(), time.process_time()
        hits = topk_within(queries, pool, k, memory=memory, device="cpu")
        found.append(
            {
                "k": k,
                "seconds": time.perf_counter() - before,
                "cpu_seconds": time.process_time() - cpu,
                "passes": plan.passes(len(queries)),
                "planned_bytes": plan.bytes,
            }
        )
        np.save(Path(args.work, f"exact-{k}.npy"), hits.rows)
    return {"checksums_seconds": compared, "searches": found}


def build(args: argparse.Namespace) -> dict[str, Any]:
    pool = Path(args.work, "pool")
    begin, cpu = time.perf_counter(), time.process_time()
    index = build_index(
        pool,
        Path(args.work, "index"),
        lists=args.lists,
        code_bytes=args.code_bytes,
        memory=args.memory,
    )
    return {
        "seconds": time.perf_counter() - begin,
        "cpu_seconds": time.process_time() - cpu,
        "lists": index.manifest["lists"],
        "code_bytes": index.manifest["code_bytes"],
        "index_bytes": index.bytes,
    }


def search(args: argparse.Namespace) -> dict[str, Any]:
    pool, queries, compared = _opened(args)
    begin = time.perf_counter()
    index = SearchIndex.open(Path(args.work, "index"))
    opened, found = time.perf_counter() - begin, []
    for k in args.k:
        known = load_array(Path(args.work, f"exact-{k}.npy"))
        for probes in [*args.probes, None]:
            before, cpu = time.perf_counter(), time.process_time()
            hits = index.search(
                *(queries, pool, k),
                probes=probes,
                rerank=args.rerank,
                memory=args.memory,
                device="cpu",
            )
            seconds = time.perf_counter() - before
            same = [
                len(np.intersect1d(a, b)) for a, b in zip(hits.rows, known, strict=True)
            ]
            found.append(
                {
                    "k": k,
                    "probes": probes,
                    "seconds": seconds,
                    "cpu_seconds": time.process_time() - cpu,
                    "recall": float(np.mean(same)) / k,
                }
            )
    return {"checksums_seconds": compared, "open_seconds": opened, "searches": found}


def _apart(step: str, argv: Sequence[str]) -> dict[str, Any]:
    command = [sys.executable, __file__, *argv, "--step", step]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise StepFailed(f"the step {step} failed: {done.stderr.strip()[-500:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    sys.stdout.write(f"{step}: {json.dumps(found)}\n")
    sys.stdout.flush()
    return found


def main(argv: Sequence[str] | None = None) -> None:
    words = [*(sys.argv[1:] if argv is None else argv)]
    args = parse_args(words)
    if args.step is None:
        told = {step: _apart(step, words) for step in _STEPS}
        if args.json:
            kept = {n: v for n, v in vars(args).items() if n not in ("json", "work")}
            text = json.dumps({**kept, **told}, indent=2)
            Path(args.json).write_text(f"{text}\n")
        return
    torch.set_num_threads(args.threads)
    import faiss

    faiss.omp_set_num_threads(args.threads)
    before = resident("VmRSS")
    found = {"make": make, "exact": exact, "build": build, "search": search}[args.step](
        args
    )
    found |= {"mib_before": before, "mib_peak": resident("VmHWM")}
    sys.stdout.write(f"{json.dumps(found)}\n")


if __name__ == "__main__":
    run_tool(main)
