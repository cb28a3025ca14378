"""Selects the pool images most similar to a target (SEPT).

    select_data.py --pool POOL_STORE --target TARGET_STORE --budget 10000 --out DIR

Feature stores come from tools/extract_features.py, pool and target from the same
network. Writes into DIR: selection.txt (one image id a line), selection.csv (rank,
image, score, query, query_rank), dropped.csv (images kept out, and why), summary.json
and report.html.
"""

import argparse
import shlex
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmtaskssl.selection.guard import METHODS
from mmtaskssl.selection.policies import POLICIES
from mmtaskssl.selection.select import Options, Result, select
from mmtaskssl.utils.devices import add_device_option
from mmtaskssl.utils.errors import run_tool
from mmtaskssl.utils.options import add_pixel_option
from mmtaskssl.utils.progress import ProgressLine


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pool", required=True, metavar="STORE")
    parser.add_argument("--target", required=True, nargs="+", metavar="STORE")
    parser.add_argument(
        "--budget", required=True, help="images to select (5000), or 10%% of the pool"
    )
    parser.add_argument("--out", required=True, metavar="DIR")
    parser.add_argument("--policy", choices=POLICIES, default="round_robin")
    parser.add_argument("--seed", type=int, default=0, help="of policies that draw")
    parser.add_argument(
        "--exclude",
        nargs="+",
        default=[],
        metavar="STORE",
        help="validation and test images of the target: their copies are not selected",
    )
    parser.add_argument(
        "--leak-guard",
        choices=METHODS,
        default=Options.leak_guard,
        help="compare with --exclude by pixels (mirrored, cropped, re-encoded, resized "
        "and grey copies are found by them) or by features; auto: by pixels where the "
        "images are there",
    )
    parser.add_argument(
        "--leak-threshold",
        type=float,
        metavar="COSINE",
        help="compare by features, and take two images for the same from this "
        "similarity on (default: learnt from the pool)",
    )
    parser.add_argument(
        "--pool-root", metavar="DIR", help="where the pool's images lie now"
    )
    parser.add_argument(
        "--sources",
        metavar="CSV",
        help="columns image,source: for policy random_by_source, and to measure where "
        "a selection comes from",
    )
    add_pixel_option(parser)
    parser.add_argument("--no-report", action="store_true", help="skip report.html")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace an earlier selection"
    )
    add_device_option(parser, "of the search")
    return parser.parse_args(argv)


def show(result: Result, out: Path, elapsed: float) -> None:
    summary = result.summary
    if not result.new:
        print(f"{out} is complete already, from the same inputs: nothing to do")
    for note in summary["notes"]:
        print(note if note.startswith("warning") else f"note: {note}")
    similarity, queries = summary["similarity"], summary["queries"]
    chosen, anywhere = similarity["selected"], similarity["random_pool"]
    rows: list[tuple[str, Any]] = [
        ("selected", f"{summary['selected']:,} of {summary['pool']['images']:,}"),
        ("policy", f"{summary['policy']}, seed {summary['seed']}"),
        (
            "similarity to target (median)",
            f"{chosen['q50']:.3f} selected, {anywhere['q50']:.3f} random pool image",
        ),
        ("target images served", f"{queries['served']:,} of {queries['queries']:,}"),
        (
            "images per target image",
            f"{queries['images_per_query_min']} to {queries['images_per_query_max']}, "
            f"median {queries['images_per_query_median']:g}",
        ),
    ]
    if result.new:
        rows.append(("time", f"{elapsed:.1f} s"))
    print()
    for name, value in rows:
        print(f"  {name:<30} {value}")
    for name, share in summary.get("sources", {}).items():
        print(
            f"  {'source ' + name:<30} {share['selected_share']:6.1%} selected, "
            f"{share['pool_share']:6.1%} of the pool"
        )
    print(f"\nwritten: {out / 'selection.txt'}")
    if (out / "report.html").is_file():
        print(f"look at: {out / 'report.html'}")
    images = summary["pool"]["root"] or "POOL_FOLDER"
    print(
        "\nnext: pre-train on it\n"
        "  python tools/train.py \\\n"
        "    configs/selfsup/mocov2/"
        "mocov2_resnet18-w32_1xb256-coslr-20k_folder-64px.py \\\n"
        f"    --cfg-options images={shlex.quote(images)} "
        f"selection={shlex.quote(str(out / 'selection.txt'))}"
    )


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    options = Options(
        pool=args.pool,
        targets=args.target,
        budget=args.budget,
        out=args.out,
        policy=args.policy,
        seed=args.seed,
        exclude=args.exclude,
        leak_guard=args.leak_guard,
        threshold=args.leak_threshold,
        pool_root=args.pool_root,
        sources=args.sources,
        report=not args.no_report,
        overwrite=args.overwrite,
        device=args.device,
    )
    begin = time.monotonic()
    result = select(options, log=print, progress=ProgressLine)
    show(result, Path(args.out), time.monotonic() - begin)


if __name__ == "__main__":
    run_tool(main)
