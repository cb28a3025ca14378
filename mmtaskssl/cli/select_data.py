"""Selects the pool images most similar to a target (SEPT).

    select_data.py --pool POOL_STORE --target TARGET_STORE --budget 10000 --out DIR

Feature stores come from tools/extract_features.py, pool and target from the same
network; with --network, they may be images instead. Writes into DIR: selection.txt (one
image id a line), selection.csv (rank, image, score, query, query_rank), dropped.csv
(images kept out, and why), summary.json and report.html.
"""

import argparse
import shlex
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..selection.names import METHODS, POLICY_NAMES
from ..selection.options import Options
from ..utils.progress import ProgressLine
from . import kinds, options
from .extractor import add_network_of_images, open_network_of_images
from .saying import say_complete

_PRETRAIN = "configs/selfsup/mocov2/mocov2_resnet18-w32_1xb256-coslr-20k_folder-64px.py"


def make_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    parser = options.make_parser(__doc__)
    options.add_pool(parser)
    parser.add_argument("--target", required=True, nargs="+", metavar="STORE")
    parser.add_argument(
        "--budget", required=True, help="images to select (5000), or 10%% of the pool"
    )
    options.add_out(parser, "a selection")
    parser.add_argument("--policy", choices=POLICY_NAMES, default=POLICY_NAMES[0])
    options.add_seed(parser, "policies that draw")
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
        type=kinds.number(-1, 1),
        metavar="COSINE",
        help="compare by features, and take two images for the same from this "
        "similarity on (default: learnt from the pool)",
    )
    options.add_pool_root(parser)
    parser.add_argument(
        "--sources",
        metavar="CSV",
        help="columns image,source: for policy random_by_source, and to measure where "
        "a selection comes from",
    )
    add_network_of_images(parser, "--pool, --target and --exclude")
    options.add_max_pixels(parser)
    options.add_no_report(parser)
    options.add_no_images(parser)
    options.add_device(parser, "of the search")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Selects, or says that it is done already."""
    args = make_parser().parse_args(argv)
    how = Options(
        args.policy,
        args.seed,
        args.leak_guard,
        args.leak_threshold,
        args.pool_root,
        args.sources,
        args.device,
    )
    from ..selection.folder import select_to_folder

    begin = time.monotonic()
    summary, new = select_to_folder(
        args.out,
        *(args.pool, args.target, args.budget, how),
        exclude=args.exclude,
        network=open_network_of_images(args),
        overwrite=args.overwrite,
        report=not args.no_report,
        thumbnails=args.thumbnails,
        log=print,
        progress=ProgressLine,
    )
    _show(summary, Path(args.out), time.monotonic() - begin if new else None)


def _show(summary: Mapping[str, Any], out: Path, seconds: float | None) -> None:
    from ..selection.selected import summary_table

    if seconds is None:
        say_complete(out)
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
        f"  mmtaskssl pretrain \\\n    {_PRETRAIN} \\\n"
        f"    --cfg-options images={shlex.quote(images)} "
        f"selection={shlex.quote(str(out / 'selection.txt'))}"
    )
