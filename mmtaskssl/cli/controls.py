"""A pre-training beside the runs that it must be compared with.

controls CONFIG --images POOL --selection FILE                  what there is to run
controls CONFIG ... --out DIR                                   trains it, resumably
controls CONFIG ... --out DIR --target DIR [DIR ...]            and compares

All share the run's recipe, iterations and seeds. Kinds of controls:
  untrained          random weights, no step
  public-as-is       the public weights, no step
  public-bn          the same, batch norms re-estimated on the pool
  random-weights     the run's images, from random weights
  public             the run's images, from the public weights
  random-images      as many images at random of the pool
  generic            all images of the pool
  continued-generic  half of the iterations on the whole pool, the others on the run's
The comparison, also in DIR/comparison.json and report.html, has the run's difference
from each, paired by the seed, with intervals.
"""

import argparse
from collections.abc import Sequence

from ..utils.families import OptionConflict, OptionMissing
from . import kinds, options
from .saying import say


def make_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    parser = options.make_parser(__doc__)
    options.add_any_config(parser)
    options.add_images(parser, "the pool")
    parser.add_argument(
        "--selection", metavar="FILE", help="ids of the images that the run trains on"
    )
    options.add_edited_selection(parser)
    parser.add_argument(
        "--weights",
        metavar="FROM",
        help="what the run's backbone starts from, as of pretrain",
    )
    parser.add_argument(
        "--iters", type=kinds.COUNT, metavar="N", help="steps of each training"
    )
    parser.add_argument(
        "--public",
        metavar="WEIGHTS",
        help="weights of the controls that begin with public ones (default: those that "
        "the run itself begins with)",
    )
    parser.add_argument(
        "--kinds",
        nargs="+",
        metavar="KIND",
        help="which controls (default: all that say something about this run)",
    )
    parser.add_argument(
        "--seeds",
        type=kinds.COUNT,
        default=3,
        metavar="N",
        help="trainings of each arm",
    )
    options.add_out(parser, "trainings", required=False)
    parser.add_argument(
        "--target",
        nargs="+",
        metavar="DIR",
        help="compare on these: DIR/train/CLASS/IMAGE and DIR/test/CLASS/IMAGE",
    )
    parser.add_argument(
        "--probe", nargs="+", choices=("knn", "linear"), default=["knn", "linear"]
    )
    options.add_subnets(parser, "of elastic networks, the one to compare, or an anchor")
    options.add_cfg_options(parser)
    options.add_device(parser, "of the measuring")
    options.add_max_pixels(parser)
    options.add_trust(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Shows, trains and compares, as far as the flags ask for it."""
    args = make_parser().parse_args(argv)
    if args.root:
        raise OptionConflict(
            "--root is of no use here: trainings read a folder or list"
        )
    if args.target and not args.out:
        raise OptionMissing("--target compares trained networks: name their --out, too")
    if len(args.subnet or ()) > 1:
        raise OptionConflict("--subnet: controls are compared as one sub-net")
    from ..engine.controls import controls

    found = controls(
        args.config,
        args.kinds,
        args.seeds,
        public=args.public,
        images=args.images,
        selection=args.selection,
        edited_selection=args.edited_selection,
        weights=args.weights,
        iters=args.iters,
        cfg_options=args.cfg_options,
    )
    say(found.table())
    if not args.out:
        return
    trained = found.run(
        args.out, say, trust=args.trust_checkpoint, overwrite=args.overwrite
    )
    if not args.target:
        return
    compared = trained.compare(
        args.target,
        probe=args.probe,
        subnet=args.subnet[0] if args.subnet else None,
        log=say,
        device=args.device,
        trust=args.trust_checkpoint,
    )
    say(compared.table())
    page = trained.keep(compared)
    say(f"\nlook at: {page}")
