"""From a pool, a target and a budget to the backbone to use, with the proof.

customize --pool POOL --target TARGET --out OUT
          [--start timm:NAME=FILE ...] [--budget 30M-36M ...] [--time 2h]

Inspects the images, selects those of the pool that look like the target's, trains
what may help beside its controls, chooses within the target's training images, and
says, from the test images, once, whether it is better than what there was for nothing.
OUT then has the backbone, a config that trains with it, report.html and record.json.
The same command continues an interrupted run.
"""

import argparse
from collections.abc import Sequence
from typing import Any

from ..customize.arms.names import NAMES
from ..utils.families import BadCommand
from . import kinds, options
from .saying import say


def make_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    parser = options.make_parser(__doc__)
    parser.add_argument(
        "--pool",
        required=True,
        metavar="POOL",
        help="unlabelled: a folder, a list, tars (pool-{000..099}.tar) or Parquet",
    )
    parser.add_argument(
        "--target",
        required=True,
        nargs="+",
        metavar="TARGET",
        help="labelled images: class folders, a table, COCO, VOC, or images and masks; "
        "several: a folder in OUT each",
    )
    parser.add_argument(
        "--test", metavar="TEST", help="its test images, where they lie elsewhere"
    )
    parser.add_argument(
        "--task",
        default="auto",
        choices=("auto", "classification", "multilabel", "detection", "segmentation"),
    )
    parser.add_argument(
        "--void",
        type=kinds.whole(0, 255),
        metavar="INDEX",
        help="of masks: pixels of no class (default: 255, or what is recognised)",
    )
    options.add_out(parser, "a customization")
    parser.add_argument(
        "--budget",
        nargs="+",
        metavar="LO-HI",
        help="what an image may cost at inference: 30M-36M multiply-accumulates, "
        "2ms-4ms, 4M-5M:params; several: an answer each (default: any; starts at the "
        "target's own resolution)",
    )
    parser.add_argument(
        "--time",
        metavar="TIME",
        help="of all trainings together: 20m, 2h (default: as long as they take)",
    )
    parser.add_argument(
        "--start",
        nargs="+",
        default=[],
        metavar="NETWORK",
        help="trained weights at hand: timm:NAME=FILE, torchvision:NAME=FILE (either "
        "without =FILE: the library's own, of its download cache or an installed "
        "package), CONFIG=CHECKPOINT, an export's folder",
    )
    parser.add_argument(
        "--recipe",
        metavar="CONFIG",
        help="pre-training of a network of ours, from scratch or taught (default: ten "
        "layers at 40 px)",
    )
    parser.add_argument(
        "--select",
        type=kinds.COUNT,
        metavar="K",
        help="images (default: by the diagnosis)",
    )
    parser.add_argument(
        "--scale",
        type=kinds.POSITIVE,
        default=1.0,
        metavar="X",
        help="multiplies the length of every training (default %(default)s)",
    )
    parser.add_argument(
        "--seeds",
        type=kinds.COUNT,
        default=1,
        metavar="N",
        help="trainings in the verdict (default %(default)s)",
    )
    parser.add_argument(
        "--arms",
        nargs="+",
        metavar="NAME",
        help="what to race (default: auto, all that say something here); auto NAME: "
        f"NAME beside these; of {', '.join(NAMES)}",
    )
    parser.add_argument(
        "--fine-tune-iters",
        type=kinds.COUNT,
        metavar="N",
        help="iterations of the detectors and segmentors that decide about such "
        "targets (default: their recipes')",
    )
    parser.add_argument("--dry-run", action="store_true", help="stop after the plan")
    parser.add_argument(
        "--launcher",
        default="none",
        choices=("none", "pytorch", "slurm", "submitit"),
        help="how trainings are started: in GPUS processes of this machine, as jobs of "
        "SLURM, or of submitit",
    )
    parser.add_argument(
        "--jobs",
        nargs="+",
        default=[],
        metavar="KEY=VALUE",
        help="settings of the launcher: GPUS, PARTITION, SRUN_ARGS, ... as of "
        "dist_train.sh and slurm_train.sh; of submitit its executor's parameters",
    )
    options.add_seed(parser, "everything that is drawn")
    options.add_device(parser, "of features")
    options.add_workers(parser)
    options.add_max_pixels(parser)
    options.add_no_images(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Customizes, or goes on with it."""
    args = make_parser().parse_args(argv)
    from ..customize.customize import customize
    from ..customize.customized import PAGE
    from ..customize.several import customize_several

    several = len(args.target) > 1
    verb: Any = customize_several if several else customize
    done = verb(
        args.pool,
        args.target if several else args.target[0],
        args.out,
        test=args.test,
        task=args.task,
        budget=args.budget,
        time=args.time,
        start=args.start,
        recipe=args.recipe,
        select=args.select,
        scale=args.scale,
        seeds=args.seeds,
        seed=args.seed,
        void=args.void,
        arms=args.arms,
        fine_tune=args.fine_tune_iters,
        dry_run=args.dry_run,
        overwrite=args.overwrite,
        launcher=args.launcher,
        jobs=_settings(args.jobs),
        device=args.device,
        workers=args.workers,
        thumbnails=args.thumbnails,
        log=say,
    )
    say(f"\n{done.table()}")
    for one in done.values() if several else [done]:
        if one.verdicts:  # of a plan there is no page
            say(f"look at: {one.out / PAGE}")


def _settings(words: Sequence[str]) -> dict[str, str]:
    for word in words:
        if "=" not in word:
            raise BadCommand(f"--jobs takes KEY=VALUE, not {word!r}")
    return dict(word.split("=", 1) for word in words)
