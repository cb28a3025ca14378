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
Interrupted, the same command goes on.

Routers: exhaustive (all paths), shortlist (those whose clusters the images look like),
beam (good paths and their neighbours), overlap (no labels needed, nothing is scored
but the likeness to the clusters).
"""

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path

from ..routing.names import PROBES, ROUTERS, TIES
from ..routing.options import Options
from ..utils.progress import ProgressLine
from . import kinds, options
from .saying import say_complete

# Flags by their names in `Options`.
_NAMES = (
    *("router", "probe", "on_tie", "shortlist", "beam", "max_images", "image_size"),
    *("batch_size", "seed", "source", "device", "cfg_options"),
)


def make_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    parser = options.make_parser(__doc__)
    options.add_network(parser)
    options.add_target(parser, "the task, also in VOC layout", required=True)
    options.add_out(parser, "answer, table and page", metavar="OUT")
    parser.add_argument(
        "--clusters", metavar="CLUSTERS", help="folder that the paths were trained on"
    )
    parser.add_argument("--router", choices=ROUTERS, default=Options.router)
    parser.add_argument(
        "--probe",
        choices=PROBES,
        default=Options.probe,
        help="what scores a path (default: weighted kNN)",
    )
    parser.add_argument(
        "--on-tie",
        choices=TIES,
        default=Options.on_tie,
        help="where a path is ahead of MAX by what may be chance, MAX wins (default); "
        "one-se: by less than one standard error; or the score decides",
    )
    parser.add_argument(
        "--shortlist",
        type=kinds.COUNT,
        default=Options.shortlist,
        metavar="N",
        help="paths of the shortlist",
    )
    parser.add_argument(
        "--beam",
        type=kinds.COUNT,
        default=Options.beam,
        metavar="N",
        help="width of the beam",
    )
    parser.add_argument(
        "--max-images",
        type=kinds.COUNT,
        default=Options.max_images,
        help="of more, this many are drawn",
    )
    options.add_seed(parser, "inner split, resamples and draws")
    options.add_image_size(parser)
    options.add_batch_size(parser, Options.batch_size)
    options.add_source(parser)
    options.add_max_pixels(parser)
    options.add_no_images(parser)
    options.add_trust(parser)
    options.add_device(parser)
    detection = parser.add_argument_group("detection")
    detection.add_argument(
        "--fine-tune",
        metavar="CONFIG",
        help="of configs/transfer/detection, for this task",
    )
    detection.add_argument(
        "--top", type=kinds.COUNT, default=3, help="paths beside MAX"
    )
    detection.add_argument("--iters", type=kinds.COUNT, default=250)
    options.add_cfg_options(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Routes, or says that it is done already."""
    args = make_parser().parse_args(argv)
    how = Options(trust=args.trust_checkpoint, **{n: getattr(args, n) for n in _NAMES})
    from ..routing.folder import route_to_folder
    from ..routing.table import routing_table

    fine_tune = None
    if args.fine_tune:
        from ..engine.fine_tune import FineTuning

        folder = f"{args.out}-fine-tune"
        fine_tune = FineTuning(
            args.fine_tune, folder, args.top, args.iters, args.trust_checkpoint
        )
    found, new = route_to_folder(
        *(args.out, (args.config, args.checkpoint), args.target, args.clusters, how),
        fine_tune=fine_tune,
        overwrite=args.overwrite,
        thumbnails=args.thumbnails,
        log=print,
        progress=ProgressLine,
    )
    if not new:
        say_complete(args.out)
    print(f"\n{routing_table(found)}")
    print(f"written: {args.out}; look at: {Path(args.out, 'report.html')}")
    command = ["mmtaskssl", "export", args.config, args.checkpoint]
    command += ["--subnet", found["answer"], "--out", "EXPORTS"]
    print(f"\nnext: {shlex.join(command)}")
