"""Finds the path of a routed network (SDR) that suits a task.

    route_subnet.py CONFIG CKPT --target DIR --clusters CLUSTERS --out OUT
    route_subnet.py CONFIG CKPT --target DIR --clusters CLUSTERS --router overlap ...

CKPT comes from tools/calibrate_bn.py --all --clusters CLUSTERS. Only DIR/train is
looked into, never the test images: paths are scored by an inner split of
DIR/train/CLASS/IMAGE. The generic network (MAX) is always among the candidates. Writes
OUT/routing.json, OUT/ranking.csv and OUT/report.html.

A detection task in VOC layout (ImageSets/Main/train.txt, Annotations, JPEGImages) is
routed by its ground-truth boxes, cut out and classified. That is a proxy: with
--fine-tune DETECTOR_CONFIG the first --top paths and MAX are then fine-tuned for
--iters iterations each, and the best on an inner split of the training images wins.

Routers: exhaustive (all paths), shortlist (those whose clusters the images look like),
beam (good paths and their neighbours), overlap (no labels needed, nothing is scored
but the likeness to the clusters).
"""

import argparse
import math
import shlex
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmtaskssl.utils.devices import add_device_option, pick_device
from mmtaskssl.utils.errors import UserError, run_tool
from mmtaskssl.utils.options import OptionsAction, add_pixel_option, add_trust_option
from mmtaskssl.utils.progress import ProgressLine

if TYPE_CHECKING:
    from mmtaskssl.datasets.eval_transform import EvalTransform
    from mmtaskssl.networks import Network
    from mmtaskssl.routing.result import Routing
    from mmtaskssl.routing.task import Task


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", metavar="CONFIG")
    parser.add_argument("checkpoint", metavar="CKPT")
    parser.add_argument("--target", required=True, metavar="DIR")
    parser.add_argument("--out", required=True, metavar="OUT")
    parser.add_argument(
        "--clusters", metavar="CLUSTERS", help="folder that the paths were trained on"
    )
    parser.add_argument(
        "--router",
        choices=("exhaustive", "shortlist", "beam", "overlap"),
        default="exhaustive",
    )
    parser.add_argument(
        "--probe",
        choices=("knn", "logme", "linear"),
        default="knn",
        help="what scores a path (default: weighted kNN)",
    )
    parser.add_argument(
        "--on-tie",
        choices=("max", "score"),
        default="max",
        help="where a path is ahead of MAX by what may be chance, MAX wins (default) "
        "or the score decides",
    )
    parser.add_argument(
        "--shortlist", type=int, default=16, metavar="N", help="paths of the shortlist"
    )
    parser.add_argument(
        "--beam", type=int, default=4, metavar="N", help="width of the beam"
    )
    parser.add_argument(
        "--max-images", type=int, default=2000, help="of more, this many are drawn"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="of inner split, resamples and draws"
    )
    parser.add_argument(
        "--image-size", type=int, help="default: the config's view size"
    )
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument(
        "--source",
        choices=("online", "ema"),
        default="online",
        help="the trained encoder or its moving average (default: online)",
    )
    add_pixel_option(parser)
    add_trust_option(parser)
    add_device_option(parser)
    detection = parser.add_argument_group("detection")
    detection.add_argument(
        "--fine-tune",
        metavar="CONFIG",
        help="of configs/transfer/detection, for this task",
    )
    detection.add_argument("--top", type=int, default=3, help="paths beside MAX")
    detection.add_argument("--iters", type=int, default=250)
    parser.add_argument("--overwrite", action="store_true", help="replace OUT")
    parser.add_argument(
        "--cfg-options", nargs="+", action=OptionsAction, metavar="KEY=VALUE"
    )
    return parser.parse_args(argv)


def show(
    routing: "Routing", args: argparse.Namespace, answer: str, percent: bool
) -> None:
    unit = 100 if percent else 1
    print(f"\n  {'rank':>4} {'score':>8} {'95 % interval':>18} {'behind':>8}  sub-net")
    for rank, c in enumerate(routing.ranking, 1):
        is_largest = c.subnet == routing.largest
        if rank > 10 and not is_largest:
            continue
        cells = f"{'-':>8} {'-':>18} {'-':>8}"
        if not math.isnan(c.score):
            interval = f"{unit * c.low:.2f} to {unit * c.high:.2f}"
            cells = f"{unit * c.score:>8.2f} {interval:>18} {unit * c.behind:>8.2f}"
        name = "MAX" if is_largest else c.subnet
        print(f"  {rank:>4} {cells}  {name}{'  tie' if c.tied else ''}")
    for note in routing.notes:
        print(f"note: {note}")
    for name, row in routing.regret.items():
        print(
            f"  {name:<10} would score {row['paths']} paths, "
            f"regret {unit * row['regret']:.2f}: {row['choice']}"
        )
    for row in routing.soft:
        print(
            f"  the first {row['first']} together ({row['how']}) score "
            f"{unit * row['score']:.2f}, ahead of the first by "
            f"{unit * row['ahead']:.2f} "
            f"({unit * row['ahead_low']:.2f} to {unit * row['ahead_high']:.2f})"
        )
    run, alone = routing.stages
    print(
        f"\n{sum(routing.seconds.values()):.1f} s; {run} stems and stages run in place "
        f"of {alone}"
    )
    print(f"written: {args.out}; look at: {Path(args.out) / 'report.html'}")
    command = ["python", "tools/export_subnet.py", args.config, args.checkpoint]
    command += ["--subnet", answer, "--out", "EXPORTS"]
    print(f"\nnext: {shlex.join(command)}")


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    # Late, so that --help and wrong arguments answer at once.
    from mmtaskssl.clustering.clusters import Clusters
    from mmtaskssl.networks import open_network, preprocessing_of
    from mmtaskssl.routing.crops import is_detection
    from mmtaskssl.routing.output import check_out, write_routing
    from mmtaskssl.routing.page import render
    from mmtaskssl.routing.route import Router

    check_out(args.out, args.overwrite)
    detection = is_detection(args.target)
    if args.fine_tune and not detection:
        raise UserError(
            f"--fine-tune is for detection: {args.target} has no "
            "ImageSets/Main/train.txt"
        )
    if min(args.top, args.iters) < 1:
        raise UserError("--top and --iters must be at least 1")
    source = open_network(
        args.config,
        args.checkpoint,
        source=args.source,
        trust=args.trust_checkpoint,
        cfg_options=args.cfg_options,
        subnets=True,
    )
    clusters = Clusters.open(args.clusters) if args.clusters else None
    task = read_target(
        args, detection, preprocessing_of(source.config, args.image_size)
    )
    router = Router(
        source.backbone.to(pick_device(args.device)),
        task,
        clusters,
        args.router,
        args.probe,
        args.seed,
        args.batch_size,
        args.shortlist,
        args.beam,
        on_tie=args.on_tie,
        progress=ProgressLine,
    )
    routing = router.route()
    probe = None if args.router == "overlap" else args.probe
    facts = {
        "router": args.router,
        "probe": probe,
        "on_tie": args.on_tie,
        "seed": args.seed,
        "task": task.describe(),
        "network": source.meta,
        "clusters": args.clusters,
    }
    answer = routing.winner.subnet.name
    if args.fine_tune:
        facts["fine_tuning"] = fine_tune_first(args, source, routing)
        answer = facts["fine_tuning"][0]["subnet"]
    elif detection:
        routing.notes.append(
            "boxes are a proxy for detection: fine-tune the first few and MAX with "
            "--fine-tune DETECTOR_CONFIG"
        )
    facts["answer"] = answer
    title = f"Router {args.router}" + (f", probe {probe}" if probe else "")
    percent = probe != "logme"
    page = render(routing, task, title, clusters, percent, args.seed)
    write_routing(args.out, routing, facts, page)
    show(routing, args, answer, percent)


def read_target(
    args: argparse.Namespace, detection: bool, transform: "EvalTransform"
) -> "Task":
    from mmtaskssl.routing.crops import read_detection_task
    from mmtaskssl.routing.task import read_task

    reading = (args.target, transform, args.max_images, args.seed)
    if detection:
        return read_detection_task(*reading)
    return read_task(*reading, labels=args.router != "overlap")


def fine_tune_first(
    args: argparse.Namespace, source: "Network", routing: "Routing"
) -> list[dict[str, Any]]:
    """Fine-tunes the first paths and MAX, and notes in ``routing`` what came out."""
    from mmtaskssl.routing.fine_tune import describe, fine_tune

    first = [c.subnet for c in routing.ranking[: args.top]]
    begin = time.monotonic()
    found = fine_tune(
        source,
        [*first, routing.largest],
        args.target,
        args.fine_tune,
        f"{args.out}-fine-tune",
        args.iters,
        args.seed,
        print,
        args.trust_checkpoint,
    )
    routing.seconds["fine-tuning"] = time.monotonic() - begin
    routing.notes.append(describe(found, args.iters, routing.largest))
    return found


if __name__ == "__main__":
    run_tool(main)
