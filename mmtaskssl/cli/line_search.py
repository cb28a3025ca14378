"""Searches the line from a start's weights to what was trained from them (WiSE-FT).

line_search.py CONFIG CKPT --weights START --target DIR --out OUT

START: what the training began with, a checkpoint of any layout, torchvision:NAME,
timm:NAME, or either with =FILE. Points are scored within DIR/train, fold by fold; the
test part is not read. The result may be the start: it is never worse by more than
noise. OUT then holds weights.pth and line_search.json.
"""

import argparse
from collections.abc import Sequence

from . import kinds, options
from .saying import say


def make_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    parser = options.make_parser(__doc__)
    options.add_network(parser)
    parser.add_argument(
        "--weights", required=True, metavar="START", help="what the training began with"
    )
    options.add_target(parser, "DIR/train/CLASS/IMAGE is read", required=True)
    options.add_out(parser, "the weights and the scores", required=False)
    parser.add_argument(
        "--points",
        type=kinds.whole(2),
        default=11,
        help="on the line, both ends among them",
    )
    parser.add_argument(
        "--folds", type=kinds.whole(2), default=5, help="of the training images"
    )
    parser.add_argument("--probe", choices=("knn", "linear"), default="knn")
    parser.add_argument(
        "--norms",
        choices=("auto", "interpolated", "reestimated"),
        default="auto",
        help="statistics of batch norms between the ends (auto: measured anew unless "
        "both ends have the same)",
    )
    options.add_seed(parser, "the folds")
    parser.add_argument(
        "--image-size",
        type=kinds.COUNT,
        help="side of the centre crop, pixels (default: the config's)",
    )
    options.add_batch_size(parser, 128)
    options.add_workers(parser)
    options.add_device(parser)
    options.add_max_pixels(parser)
    options.add_trust(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Searches, and says what was found."""
    args = make_parser().parse_args(argv)
    from ..engine.line_search import line_search
    from ..networks.start import weights_file

    found = line_search(
        (args.config, str(weights_file(args.weights))),
        (args.config, args.checkpoint),
        args.target,
        points=args.points,
        folds=args.folds,
        probe=args.probe,
        norms=args.norms,
        image_size=args.image_size,
        batch_size=args.batch_size,
        workers=args.workers,
        device=args.device,
        seed=args.seed,
        trust=args.trust_checkpoint,
        log=say,
    )
    if args.out:
        found.save(args.out, args.overwrite)
    say(found.table())
