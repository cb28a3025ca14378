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
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..selection.names import METHODS, POLICY_NAMES
from ..utils.devices import add_device_option
from ..utils.options import add_pixel_option
from ..utils.progress import ProgressLine

_PRETRAIN = "configs/selfsup/mocov2/mocov2_resnet18-w32_1xb256-coslr-20k_folder-64px.py"


def make_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pool", required=True, metavar="STORE")
    parser.add_argument("--target", required=True, nargs="+", metavar="STORE")
    parser.add_argument(
        "--budget", required=True, help="images to select (5000), or 10%% of the pool"
    )
    parser.add_argument("--out", required=True, metavar="DIR")
    parser.add_argument("--policy", choices=POLICY_NAMES, default=POLICY_NAMES[0])
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
        default=METHODS[0],
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
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Selects, or says that it is done already."""
    args = make_parser().parse_args(argv)
    from ..selection.folder import select_to_folder

    begin = time.monotonic()
    summary, new = select_to_folder(
        args.out,
        *(args.pool, args.target, args.budget),
        overwrite=args.overwrite,
        report=not args.no_report,
        log=print,
        progress=ProgressLine,
        policy=args.policy,
        seed=args.seed,
        exclude=args.exclude,
        leak_guard=args.leak_guard,
        threshold=args.leak_threshold,
        pool_root=args.pool_root,
        sources=args.sources,
        device=args.device,
    )
    _show(summary, Path(args.out), time.monotonic() - begin if new else None)


def _show(summary: Mapping[str, Any], out: Path, seconds: float | None) -> None:
    from ..selection.selected import summary_table

    if seconds is None:
        print(f"{out} is complete already, from the same inputs: nothing to do")
    for note in summary["notes"]:
        print(note if note.startswith("warning") else f"note: {note}")
    print(f"\n{summary_table(summary)}")
    if seconds is not None:
        print(f"  {'time':<30} {seconds:.1f} s")
    print(f"\nwritten: {out / 'selection.txt'}")
    if (out / "report.html").is_file():
        print(f"look at: {out / 'report.html'}")
    images = summary["pool"]["root"] or "POOL_FOLDER"
    print(
        "\nnext: pre-train on it\n"
        f"  python tools/train.py \\\n    {_PRETRAIN} \\\n"
        f"    --cfg-options images={shlex.quote(images)} "
        f"selection={shlex.quote(str(out / 'selection.txt'))}"
    )
