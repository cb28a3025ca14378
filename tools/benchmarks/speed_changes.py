"""A selection from a pool that changed, with and without hits that were kept.

    speed_changes.py --work-dir OUT [--rows 200000] [--dim 256] [--queries 200]

Features are drawn: clusters of images, and a target near some of them. A store of them
is selected from, then grows by --added rows, and then loses --removed random ones. Each
time the search of a selection from scratch and of one that keeps hits are timed in turn
(the fastest of --rounds counts), and their selections compared; ends with status 1 if
they differ.
"""

import argparse
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from mmtaskssl.apis import import_features, remove_images, select
from mmtaskssl.features.store import FeatureStore
from mmtaskssl.features.writer import FeatureStoreWriter
from mmtaskssl.utils.errors import run_tool
from mmtaskssl.utils.tables import head, row

_KINDS, _SPREAD = 200, 1.5


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work-dir", required=True)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--budget", type=int, default=5000)
    parser.add_argument("--added", type=int, default=2000)
    parser.add_argument("--removed", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args(argv)


class _Drawn:
    """Draws features of a few kinds."""

    def __init__(self, dim: int) -> None:
        self.rng = np.random.default_rng(0)
        self.kinds = self.rng.standard_normal((_KINDS, dim)).astype(np.float32)

    def rows(self, count: int) -> np.ndarray:
        of = self.rng.integers(0, _KINDS, count)
        noise = self.rng.standard_normal((count, self.kinds.shape[1]), np.float32)
        return self.kinds[of] + _SPREAD * noise


def _append(path: Path, drawn: _Drawn, count: int) -> None:
    first = len(FeatureStore.open(path)) if path.exists() else 0
    writer = FeatureStoreWriter.prepare(
        *(path, [f"{first + i}.jpg" for i in range(count)]),
        dim=drawn.kinds.shape[1],
        extractor={"name": "imported"},
        append=first > 0,
    )
    for index in writer.missing_shards():
        start, stop = writer.shard_range(index)
        writer.write_shard(index, drawn.rows(stop - start))
    writer.finish()


def _changes(path: Path, drawn: _Drawn, args: argparse.Namespace) -> Iterator[str]:
    """Yields what was done to the store, one change after another."""
    yield "as it was"
    _append(path, drawn, args.added)
    yield f"{args.added:,} rows added"
    here = np.setdiff1d(np.arange(args.rows), FeatureStore.open(path).removed_rows)
    gone = drawn.rng.choice(here, args.removed, False)
    remove_images(path, [f"{number}.jpg" for number in gone.tolist()])
    yield f"{args.removed:,} rows removed"


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    folder = Path(args.work_dir)
    path, hits = folder / "pool", folder / "hits"
    for place in (path, hits):
        shutil.rmtree(place, ignore_errors=True)
    drawn = _Drawn(args.dim)
    _append(path, drawn, args.rows)
    target = import_features(
        drawn.rows(args.queries), [f"q{i}" for i in range(args.queries)]
    )
    print(*head(["pool", "from scratch, s", "hits kept, s", "ratio"]), sep="\n")
    for what in _changes(path, drawn, args):
        scratch, kept, same = [], [], True
        for number in range(args.rounds):
            before = folder / f"hits-{number}"
            shutil.rmtree(before, ignore_errors=True)
            if hits.exists():
                shutil.copytree(hits, before)
            plain = select(path, target, args.budget)
            other = select(path, target, args.budget, hits=before)
            scratch.append(plain.summary["seconds"]["select"])
            kept.append(other.summary["seconds"]["select"])
            same &= plain.image_ids == other.image_ids
        shutil.rmtree(hits, ignore_errors=True)
        shutil.copytree(before, hits)
        ratio = min(kept) / max(min(scratch), 1e-9)
        figures = [f"{min(scratch):.2f}", f"{min(kept):.2f}", f"{ratio:.2f}"]
        print(row([what, *figures]), *other.notes[:1], sep="\n", flush=True)
        if not same:
            print("the selections differ")
            return 1
    return 0


if __name__ == "__main__":
    run_tool(main)
