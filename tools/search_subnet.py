"""Searches sub-nets for a target by its unlabelled images alone (DATA, CVPR 2022).

    search_subnet.py CONFIG CKPT --images SRC --budget 3G-4G --out DIR
    search_subnet.py CONFIG CKPT --images SRC --budget 3G-4G 5M-6M:params 2ms-4ms \
        --metric dense --strategy evolution --candidates 100 --out DIR

Scores how alike each candidate and the largest momentum net see the images ("global":
for classification; "dense": for detection and segmentation); higher is better. Writes
DIR/results.jsonl and DIR/METRIC.png, and prints a ranking and the commands that come
next. A run that was interrupted continues with the same command. With several
processes: torchrun --nproc_per_node N tools/search_subnet.py ... --launcher pytorch
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmtaskssl.utils.devices import add_device_option
from mmtaskssl.utils.errors import UserError, run_tool
from mmtaskssl.utils.options import OptionsAction, add_pixel_option, add_trust_option


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", metavar="CONFIG")
    parser.add_argument("checkpoint", metavar="CKPT")
    parser.add_argument(
        "--images",
        required=True,
        metavar="SRC",
        help="the target's, unlabelled: folder, .txt, .csv or .jsonl",
    )
    parser.add_argument("--out", required=True, metavar="DIR")
    add_candidate_options(parser)
    add_score_options(parser)
    add_pixel_option(parser)
    add_trust_option(parser)
    parser.add_argument("--top", type=int, default=10, metavar="K")
    parser.add_argument(
        "--cfg-options", nargs="+", default=[], metavar="KEY=VALUE", help="of CONFIG"
    )
    parser.add_argument(
        "--launcher", choices=("none", "pytorch", "slurm", "mpi"), default="none"
    )
    return parser.parse_args(argv)


def add_candidate_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("candidates")
    group.add_argument(
        "--budget",
        nargs="+",
        default=[],
        metavar="LO-HI[:KIND]",
        help="bands of MACs, :params, or :latency of one image, such as 3G-4G, "
        "5M-6M:params, 2ms-4ms; the low end is inside, the high end is not",
    )
    group.add_argument(
        "--strategy", choices=("random", "evolution", "grid"), default="random"
    )
    group.add_argument(
        "--candidates",
        type=int,
        metavar="N",
        help="for each budget (default: 40; of a grid, all)",
    )
    group.add_argument(
        "--subnet", nargs="+", default=[], metavar="NAME", help="score these, too"
    )
    group.add_argument("--seed", type=int, default=0, help="of candidates and images")
    group.add_argument(
        "--shape",
        nargs="+",
        type=int,
        default=[224],
        metavar="N",
        help="side of the image that costs are counted for, or height and width",
    )


def add_score_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("scores")
    group.add_argument(
        "--metric",
        nargs="+",
        choices=("global", "dense", "dense-raw"),
        default=["global"],
        help="several are computed at the cost of one, and evolution follows the "
        "first; dense-raw leaves the rows of affinities unnormalised",
    )
    group.add_argument("--num-images", type=int, default=512)
    group.add_argument(
        "--bn-images",
        type=int,
        default=256,
        help="how many of them, in one batch, give batch norms their statistics",
    )
    group.add_argument(
        "--batch-size", type=int, default=256, help="of the others; changes no score"
    )
    group.add_argument("--image-size", type=int, help="default: the config's view size")
    group.add_argument(
        "--teacher-bn",
        choices=("images", "stored"),
        default="images",
        help="statistics of the teacher: from the images, or as trained",
    )
    group.add_argument("--root", help="folder that listed paths are relative to")
    add_device_option(group)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    # Late, so that --help and wrong arguments answer at once.
    from mmengine.dist import get_rank

    from mmtaskssl.features.distributed import init_ranks
    from mmtaskssl.search import Budget, SearchOptions, open_search

    budgets = [Budget.parse(text) for text in args.budget]
    if not budgets and not args.subnet:
        raise UserError("name a --budget such as 3G-4G, or sub-nets with --subnet")
    if not 1 <= len(args.shape) <= 2 or min(args.shape) < 1 or args.top < 1:
        raise UserError("--shape takes one or two positive sizes, --top at least 1")
    init_ranks(args.launcher)
    options = SearchOptions(
        metrics=args.metric,
        num_images=args.num_images,
        bn_images=args.bn_images,
        batch_size=args.batch_size,
        image_size=args.image_size,
        shape=tuple((args.shape * 2)[:2]),
        teacher_bn=args.teacher_bn,
        seed=args.seed,
        device=args.device,
        root=args.root,
        trust=args.trust_checkpoint,
        cfg_options=parse_cfg_options(args.cfg_options),
    )
    search = open_search(args.config, args.checkpoint, args.images, args.out, options)
    named = [search.space.resolve(name) for name in args.subnet]
    count = args.candidates
    if count is None and args.strategy != "grid":
        count = 40
    for budget in budgets:
        search.check(budget)
    if named:
        search.score(named)
    for budget in budgets:
        search.run(budget, args.strategy, count, args.seed)
    if get_rank() == 0:
        report(args, search, budgets or [None])


def parse_cfg_options(pairs: Sequence[str]) -> dict:
    """Parses KEY=VALUE pairs, which are also repeated in the commands that follow."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cfg-options", nargs="+", action=OptionsAction, default={})
    return parser.parse_args(["--cfg-options", *pairs] if pairs else []).cfg_options


def report(args: argparse.Namespace, search, budgets) -> None:
    from mmtaskssl.search import report

    anchors = {subnet: name for name, subnet in search.space.anchors.items()}
    best = []
    for budget in budgets:
        for metric in search.metrics:
            rows = search.ranked(budget, metric)
            print(
                f"\n{budget or 'all sub-nets'}, {metric} similarity, {len(rows)} scored"
            )
            print(report.format_ranking(rows, args.top, anchors, search.clock.known))
            if note := report.size_note(rows):
                print(note)
            if rows[0]["subnet"] not in best:
                best.append(rows[0]["subnet"])
    for metric in search.metrics:
        path = Path(args.out, f"{metric}.png")
        rows = search.ranked(None, metric)
        if not report.plot_scores(rows, metric, anchors, path):
            print(f"\nno {path}: a plot needs matplotlib (pip install matplotlib)")
    print("\nThe best, ready to fine-tune:")
    calibration = {
        "num-images": search.scorer.bn_images,
        "batch-size": search.scorer.bn_images,
        "image-size": args.image_size,
        "seed": args.seed,
        "root": args.root,
    }
    for command in report.next_commands(
        best,
        args.config,
        args.checkpoint,
        args.images,
        args.out,
        calibration,
        args.cfg_options,
    ):
        print(command)


if __name__ == "__main__":
    run_tool(main)
