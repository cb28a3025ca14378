"""Near copies planted in a large store: does `deduplicate` find them, and what else?

    speed_duplicates.py [--rows 1000000] [--dim 128] [--planted 10000] [--out FOLDER]

Features lie in clusters, correlated and off centre, as those of a network do. Copies of
drawn rows, at similarities spread evenly from --least to 1, lie anywhere among the
others. The verb itself runs in a process of its own, with its default threshold;
seconds are those of the processors, memory is the process's peak.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from harness.command import watched
from mmtaskssl.features.writer import FeatureStoreWriter
from mmtaskssl.selection.duplicates.deduplicated import DUPLICATES, SUMMARY
from mmtaskssl.selection.output import read_csv
from mmtaskssl.utils.errors import run_tool
from mmtaskssl.utils.families import BadValue
from speed_search import make_features

# Rows of a cluster, and the part of a row's square length that is its own: the
# similarity of two rows of one cluster is 0.8, and far from that of a copy.
_CLUSTER, _OWN = 1000, 0.2
_COPY = "copy-of-"


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--planted", type=int, default=10_000)
    parser.add_argument("--least", type=float, default=0.982)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", help="holds the store while it runs")
    parser.add_argument("--json", help="also write the result to this file")
    return parser.parse_args(argv)


def plant(args: argparse.Namespace, out: Path) -> None:
    """Writes the store, a shard at a time."""
    rng = np.random.default_rng(args.seed)
    own = args.rows - args.planted
    sources = np.sort(rng.permutation(own)[: args.planted])
    # Which row of the store each image is, the copies last.
    place = rng.permutation(args.rows)
    names = np.empty(args.rows, object)
    names[place[:own]] = [f"image-{n:08d}" for n in range(own)]
    names[place[own:]] = [f"{_COPY}image-{n:08d}" for n in sources.tolist()]
    image = np.empty(args.rows, np.int64)
    image[place] = np.arange(args.rows)
    writer = FeatureStoreWriter.prepare(
        out, names.tolist(), dim=args.dim, extractor={"name": "drawn"}
    )
    centres = unit(make_features(-(-own // _CLUSTER), args.dim, rng))
    similar = rng.uniform(args.least, 1, args.planted).astype(np.float32)
    for index in writer.missing_shards():
        here = image[slice(*writer.shard_range(index))]
        copies = here >= own
        shown = np.where(copies, sources[np.maximum(here - own, 0)], here)
        rows = drawn(shown, centres, args.seed)
        to = similar[here[copies] - own, None]
        away = rng.standard_normal((len(to), args.dim), dtype=np.float32)
        away -= (away * rows[copies]).sum(1, keepdims=True) * rows[copies]
        rows[copies] = to * rows[copies] + np.sqrt(1 - to**2) * unit(away)
        writer.write_shard(index, rows)
    writer.finish()


def drawn(images: np.ndarray, centres: np.ndarray, seed: int) -> np.ndarray:
    """Returns the features of images, each always the same."""
    dim = centres.shape[1]
    away = np.empty((len(images), dim), np.float32)
    for at, number in enumerate(images.tolist()):
        rng = np.random.Generator(np.random.SFC64((seed, number)))
        away[at] = rng.standard_normal(dim, dtype=np.float32)
    near = centres[images % len(centres)]
    return unit(np.sqrt(1 - _OWN) * near + np.sqrt(_OWN) * unit(away))


def unit(rows: np.ndarray) -> np.ndarray:
    """Returns rows of length 1."""
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def judge(folder: Path, planted: int) -> dict[str, float]:
    """Counts planted pairs in one group, and pairs of which none was planted."""
    lines = read_csv(folder / DUPLICATES)
    group = {line["image"]: line["kept"] for line in lines}
    found = sum(
        group.get(image.removeprefix(_COPY)) == kept
        for image, kept in group.items()
        if image.startswith(_COPY)
    )
    pairs = {tuple(sorted((line["image"], line["match"]))) for line in lines}
    others = sum(a.removeprefix(_COPY) != b.removeprefix(_COPY) for a, b in pairs)
    return {
        "found": found / planted,
        "other pairs": others,
        "others": others / max(1, len(pairs)),
    }


def run(args: argparse.Namespace, place: Path) -> dict[str, object]:
    """Plants, deduplicates and judges in a folder."""
    plant(args, place / "store")
    tool = [sys.executable, "-m", "mmtaskssl", "deduplicate", str(place / "store")]
    how = ["--by", "features", "--keep", "first", "--out", str(place / "found")]
    spent = watched([*tool, *how], place / "log")
    facts = json.loads((place / "found" / SUMMARY).read_text())
    return {
        **judge(place / "found", args.planted),
        "cpu seconds": round(spent.cpu, 1),
        "peak GiB": round(spent.peak / 2**30, 2),
        "features GiB": round(args.rows * args.dim * 2 / 2**30, 2),
        "notes": facts["notes"],
    }


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    if not 0 < args.planted <= args.rows // 2:
        raise BadValue("--planted must be at most half of --rows")
    with tempfile.TemporaryDirectory(prefix="copies-", dir=args.out) as folder:
        told = run(args, Path(folder))
    for name, value in told.items():
        print(f"{name:<14}{value}")
    if args.json:
        said = {n: v for n, v in vars(args).items() if n not in ("json", "out")}
        Path(args.json).write_text(json.dumps(said | told, indent=1) + "\n")


if __name__ == "__main__":
    run_tool(main)
