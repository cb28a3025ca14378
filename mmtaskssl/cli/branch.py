"""Trains specialists that branch off from one network, each on clusters of a pool.

branch CONFIG --weights START --clusters DIR --pool STORE --target STORE [STORE ...]
                                                                what there is to train
branch CONFIG ... --out DIR                                     trains it, resumably
branch CONFIG ... --out DIR --route DIR [DIR ...]               and routes tasks

Each specialist continues from START on the fewest clusters that hold most of a target
(no labels are read); a generic network continues for as long on the whole pool, and is
the answer for targets that are spread over more than half of the clusters. --route
names labelled folders, of which TASK/train/CLASS/IMAGE is read: the generic network,
the start, all specialists and means of their weights are scored by an inner split, and
the specialist of the target's own clusters wins ties. The answer, with its weights, is
in DIR/routing/TASK.

Features of pool and targets come from `mmtaskssl extract`, clusters from `mmtaskssl
cluster`; those of a public network find the sources of a pool best.
"""

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path

from ..routing.names import PROBES, TIES
from ..utils.families import OptionConflict, OptionMissing
from . import kinds, options
from .saying import say


def make_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    parser = options.make_parser(__doc__)
    options.add_any_config(parser)
    parser.add_argument(
        "--clusters", required=True, metavar="DIR", help="clusters of the pool"
    )
    parser.add_argument(
        "--weights",
        metavar="FROM",
        help="what all begin with, as of pretrain (default: the config's own)",
    )
    parser.add_argument(
        "--pool", metavar="STORE", help="features that the clusters were made from"
    )
    parser.add_argument(
        "--target",
        nargs="+",
        metavar="STORE",
        help="features of targets' training images, by the same network (default: a "
        "specialist for every cluster)",
    )
    parser.add_argument(
        "--share",
        type=kinds.SHARE,
        default=0.8,
        help="of a target that its clusters have to hold (default %(default)s)",
    )
    parser.add_argument(
        "--most",
        type=kinds.COUNT,
        metavar="N",
        help="specialists at most (default: all)",
    )
    parser.add_argument(
        "--anchor",
        type=kinds.number(0),
        default=0.0,
        metavar="WEIGHT",
        help="of a cosine that keeps features near to those of the start (default: 0)",
    )
    parser.add_argument(
        "--iters", type=kinds.COUNT, metavar="N", help="steps of each network"
    )
    options.add_seed(parser, "the trainings")
    parser.add_argument(
        "--images", metavar="DIR", help="the pool (default: where the clusters say)"
    )
    options.add_out(parser, "trainings", required=False)
    parser.add_argument(
        "--route", nargs="+", metavar="DIR", help="tasks: TASK/train/CLASS/IMAGE"
    )
    parser.add_argument("--probe", choices=PROBES, default="linear")
    parser.add_argument(
        "--on-tie",
        choices=TIES,
        default="one-se",
        help="whether the favourite wins (max: within a 95 %% interval; one-se: within "
        "one standard error, the default) or the score decides",
    )
    parser.add_argument(
        "--favour",
        choices=("home", "generic"),
        default="home",
        help="the favourite: the specialist of the target's own clusters, where it has "
        "one (default), or the generic network",
    )
    options.add_cfg_options(parser)
    options.add_device(parser, "of the routing")
    options.add_max_pixels(parser)
    options.add_no_images(parser)
    options.add_trust(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Shows, trains and routes, as far as the flags ask for it."""
    args = make_parser().parse_args(argv)
    if args.route and not args.out:
        raise OptionMissing("--route needs trained networks: name their --out, too")
    names = [Path(task).expanduser().resolve().name for task in args.route or ()]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise OptionConflict(
            f"--route names two tasks called {twice}, whose answers would have one "
            "place: route them by two calls with another --out, or rename one"
        )
    from ..specialists.branch import branch

    found = branch(
        args.config,
        args.clusters,
        target=args.target,
        pool=args.pool,
        share=args.share,
        most=args.most,
        anchor=args.anchor,
        images=args.images,
        weights=args.weights,
        iters=args.iters,
        seed=args.seed,
        cfg_options=args.cfg_options,
    )
    say(found.table())
    if not args.out:
        return
    trained = found.run(
        args.out, say, trust=args.trust_checkpoint, overwrite=args.overwrite
    )
    for task, name in zip(args.route or (), names, strict=True):
        routed = trained.route(
            task,
            probe=args.probe,
            on_tie=args.on_tie,
            favour=args.favour,
            thumbnails=args.thumbnails,
            log=say,
            device=args.device,
        )
        folder = trained.keep(routed, name)
        say(f"\n{task}\n{routed.table()}")
        what = {arm.name: arm.what for arm in trained.all_arms}
        used = routed.answer.name
        say(f"use {used}: {what.get(used, 'a mean of their weights')}")
        say(f"written: {folder}; look at: {folder / 'report.html'}")
        command = ["mmtaskssl", "export", args.config, str(folder / "weights.pth")]
        say(f"next: {shlex.join([*command, '--out', 'EXPORT'])}")
