"""Searches sub-nets for a target by its unlabelled images alone (DATA, CVPR 2022).

    search_subnet.py CONFIG CKPT --images SRC --budget 3G-4G --out DIR
    search_subnet.py CONFIG CKPT --images SRC --budget 3G-4G 5M-6M:params 2ms-4ms \
        --metric dense --strategy evolution --candidates 100 --out DIR

Scores how alike each candidate and a --teacher, or without one the largest momentum
net, see the images ("global", of the latter: for classification; "dense": for detection
and segmentation); higher is better. Writes
into DIR: results.jsonl, METRIC.png, report.html and next.sh, and prints a ranking and
the commands that come next. A run that was interrupted continues with the same command.
With several processes: torchrun --nproc_per_node N tools/search_subnet.py ...
--launcher pytorch
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from ..search.names import AUTO, METRIC_NAMES, STRATEGY_NAMES, TEACHER_BN
from ..utils.budgets import Budget
from ..utils.families import BadValue, OptionMissing
from . import kinds, options, plans
from .saying import say


def make_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    parser = options.make_parser(__doc__)
    options.add_network(parser)
    options.add_images(parser, "the target's, unlabelled", required=True)
    options.add_out(parser, "results")
    _add_candidate_options(parser)
    _add_score_options(parser)
    options.add_max_pixels(parser)
    options.add_trust(parser)
    parser.add_argument("--top", type=kinds.COUNT, default=10, metavar="K")
    options.add_cfg_options(parser, "of CONFIG")
    options.add_launcher(parser)
    plans.add_dry_run(parser)
    return parser


def _add_candidate_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("candidates")
    group.add_argument(
        "--budget",
        nargs="+",
        default=[],
        metavar="LO-HI[:KIND]",
        help="bands of MACs, :params, or :latency of one image, such as 3G-4G, "
        "5M-6M:params, 2ms-4ms; the low end is inside, the high end is not",
    )
    group.add_argument("--strategy", choices=STRATEGY_NAMES, default=STRATEGY_NAMES[0])
    group.add_argument(
        "--candidates",
        type=kinds.COUNT,
        metavar="N",
        help="for each budget (default: 40; of a grid, all)",
    )
    options.add_subnets(group, "score these, too: names, or anchors such as MAX")
    options.add_seed(group, "candidates and images")
    group.add_argument(
        "--shape",
        nargs="+",
        type=kinds.COUNT,
        metavar="N",
        help="side of the image that costs are counted for, or height and width "
        "(default: the side that the network sees)",
    )


def _add_score_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("scores")
    group.add_argument(
        "--metric",
        nargs="+",
        choices=(AUTO, *METRIC_NAMES),
        default=[AUTO],
        help="several are computed at the cost of one, and evolution follows the "
        "first; mean-rank: by global, neighbours, ridge and rank; auto: the one that "
        "ranked best where it was tried, mean-rank with a --teacher and global without "
        "(neighbours and rank, where there is no neck); dense-raw leaves the rows of "
        "affinities unnormalised",
    )
    group.add_argument(
        "--teacher",
        metavar="NETWORK",
        help="what neighbours, ridge and mean-rank compare with, such as the "
        "supernet's teacher: timm:NAME=FILE, hf:FOLDER, the folder of an export or of "
        "a feature store",
    )
    group.add_argument("--num-images", type=kinds.COUNT, default=512)
    group.add_argument(
        "--bn-images",
        type=kinds.COUNT,
        default=256,
        help="how many of them, in one batch, give batch norms their statistics",
    )
    options.add_batch_size(group, 256)
    options.add_image_size(group)
    group.add_argument(
        "--teacher-bn",
        choices=TEACHER_BN,
        default=TEACHER_BN[0],
        help="statistics of the teacher: from the images, or as trained",
    )
    options.add_device(group)


def main(argv: Sequence[str] | None = None) -> None:
    """Searches, and shows what was found."""
    args = make_parser().parse_args(argv)
    budgets = [Budget.parse(text) for text in args.budget]
    if not budgets and not args.subnet:
        raise OptionMissing("name a --budget such as 3G-4G, or sub-nets with --subnet")
    shape = args.shape and tuple((args.shape * 2)[:2])
    if (shape and (len(args.shape) > 2 or min(shape) < 1)) or args.top < 1:
        raise BadValue("--shape takes one or two positive sizes, --top at least 1")
    if args.dry_run:
        say(plans.of_search(args, argv).table())
        return
    from mmengine.dist import get_rank

    from ..features.distributed import init_ranks
    from ..search.search import search

    init_ranks(args.launcher)
    result = search(
        *((args.config, args.checkpoint), args.images, budgets),
        subnets=args.subnet or (),
        metrics=args.metric,
        strategy=args.strategy,
        candidates=args.candidates,
        shape=shape,
        num_images=args.num_images,
        bn_images=args.bn_images,
        batch_size=args.batch_size,
        image_size=args.image_size,
        teacher=args.teacher,
        teacher_bn=args.teacher_bn,
        seed=args.seed,
        root=args.root,
        device=args.device,
        cfg_options=args.cfg_options,
        trust=args.trust_checkpoint,
        folder=args.out,
        overwrite=args.overwrite,
    )
    if get_rank() != 0:
        return
    print(f"\n{result.table(args.top)}")
    for metric in result.metrics:
        path = Path(args.out, f"{metric}.png")
        if not path.is_file():
            print(f"\nno {path}: a plot needs matplotlib (pip install matplotlib)")
    print("\nThe best, ready to fine-tune:")
    print("\n".join(result.next_commands(args.out)))
