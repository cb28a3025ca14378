"""Selects the pool images most similar to a target (SEPT).

    select_data.py --pool POOL_STORE --target TARGET_STORE --budget 10000 --out DIR

Feature stores come from tools/extract_features.py, pool and target from the same
network; with --network, they may be images instead. Writes into DIR: selection.txt (one
image id a line), selection.csv (rank, image, score, query, query_rank), dropped.csv
(images kept out, and why), summary.json and report.html.
"""

import argparse
import dataclasses
import shlex
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..selection.approximate.options import approximately
from ..selection.limits import Limits
from ..selection.names import METHODS, POLICY_NAMES
from ..selection.options import Options
from ..utils.budgets import count_bytes
from ..utils.progress import ProgressLine
from . import kinds, options, plans
from .extractor import add_network_of_images, open_network_of_images
from .saying import say, say_complete

_PRETRAIN = "configs/selfsup/mocov2/mocov2_resnet18-w32_1xb256-coslr-20k_folder-64px.py"
_LIMITS = [field.name for field in dataclasses.fields(Limits)]


def make_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    parser = options.make_parser(__doc__)
    options.add_pool(parser)
    parser.add_argument("--target", required=True, nargs="+", metavar="STORE")
    parser.add_argument(
        "--budget",
        required=True,
        help="images to select (5000), 10%% of the pool, or auto: as many as are "
        "worth while",
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
    _add_limits(parser.add_argument_group("limits, with any policy"))
    _add_changes(parser.add_argument_group("pools that change"))
    _add_scale(parser.add_argument_group("very large pools"))
    add_network_of_images(parser, "--pool, --target, --exclude and --unlike")
    options.add_max_pixels(parser)
    options.add_no_report(parser)
    options.add_no_images(parser)
    options.add_device(parser, "of the search")
    plans.add_dry_run(parser)
    return parser


def _add_limits(parser: options.Parser) -> None:
    shares = parser.add_mutually_exclusive_group()
    shares.add_argument(
        "--target-weights",
        type=kinds.number(0),
        nargs="+",
        metavar="W",
        help="of each target, its share of the budget; what one cannot fill goes to "
        "the others",
    )
    shares.add_argument(
        "--target-budgets",
        type=kinds.COUNT,
        nargs="+",
        metavar="N",
        help="most images of each target",
    )
    for flag, of in (
        ("--per-query", "for one image of the target"),
        ("--per-class", "for one class of the target"),
        ("--per-source", "of one source of the pool, see --sources"),
    ):
        parser.add_argument(
            flag, type=kinds.COUNT, metavar="N", help=f"most images {of}"
        )
    parser.add_argument(
        "--min-similarity",
        type=kinds.number(-1, 1),
        metavar="COSINE",
        help="least similarity to the nearest image of the target",
    )
    parser.add_argument(
        "--mmr-lambda",
        type=kinds.SHARE,
        metavar="L",
        help="of the first images in the policy's order, take those that are similar "
        "to the target (1) and unlike each other (0): maximal marginal relevance",
    )
    parser.add_argument(
        "--unlike",
        nargs="+",
        default=[],
        metavar="STORE",
        help="what is not wanted: images nearer to it than to the target are not "
        "selected",
    )
    parser.add_argument(
        "--unlike-last",
        action="store_true",
        help="select these after all others, where the budget takes them in",
    )


def _add_changes(parser: options.Parser) -> None:
    parser.add_argument(
        "--duplicates",
        metavar="DIR",
        help="result of deduplicate: of copies, only what stays there is selected",
    )
    parser.add_argument(
        "--hits",
        metavar="DIR",
        help="keeps what the search finds: a later selection for the same target "
        "searches only what is new in the pool",
    )


def _add_scale(parser: options.Parser) -> None:
    parser.add_argument(
        "--memory",
        type=kinds.BYTES,
        metavar="BYTES",
        help="what the search may hold, such as 2GiB; it reads the pool more often "
        "instead, to the same result",
    )
    parser.add_argument(
        "--approximate",
        metavar="DIR",
        help="search by an index of the pool, which is made there if it is absent: "
        "finds most of the nearest images, and says how many",
    )
    for flag, what in (
        ("--lists", "of the index, when it is made: lists (default: 4 x root of rows)"),
        ("--code-bytes", "of the index: bytes of a row (default: features / 8)"),
        ("--probes", "lists to look through (default: one of 16)"),
        (
            "--rerank",
            "candidates scored exactly for each image found (default: 10, and 500 "
            "in all at least)",
        ),
    ):
        parser.add_argument(flag, type=kinds.COUNT, metavar="N", help=what)


def main(argv: Sequence[str] | None = None) -> None:
    """Selects, or says that it is done already."""
    args = make_parser().parse_args(argv)
    if args.dry_run:
        say(plans.of_select(args, argv).table())
        return
    from ..selection.folder import select_to_folder

    begin = time.monotonic()
    summary, new = select_to_folder(
        args.out,
        *(args.pool, args.target, args.budget, options_of(args)),
        exclude=args.exclude,
        unlike=args.unlike,
        network=open_network_of_images(args),
        overwrite=args.overwrite,
        report=not args.no_report,
        thumbnails=args.thumbnails,
        log=print,
        progress=ProgressLine,
    )
    _show(summary, Path(args.out), time.monotonic() - begin if new else None)


def options_of(args: argparse.Namespace) -> Options:
    """Returns how the flags say to select."""
    return Options(
        args.policy,
        args.seed,
        args.leak_guard,
        args.leak_threshold,
        args.pool_root,
        args.sources,
        args.device,
        Limits(**{name: getattr(args, name) for name in _LIMITS}),
        args.duplicates,
        args.hits,
        approximately(
            *(args.approximate, args.lists, args.code_bytes, args.probes, args.rerank)
        ),
        None if args.memory is None else count_bytes("memory", args.memory),
    )


def _show(summary: Mapping[str, Any], out: Path, seconds: float | None) -> None:
    from ..selection.table import summary_table

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
