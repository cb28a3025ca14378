"""What the tools that evaluate features have in common."""

import argparse
from collections.abc import Sequence
from typing import Any

from ..utils.families import OptionConflict, OptionMissing
from . import kinds, options
from .extractor import add_extractor_options, given_of, network_of, running_of
from .saying import say


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Adds what `evaluate` reads."""
    options.add_network(parser, optional=True)
    data = parser.add_argument_group("data: two stores, or a folder of images")
    data.add_argument("--train", metavar="STORE")
    data.add_argument("--test", metavar="STORE")
    options.add_target(
        data,
        "DIR/train/CLASS/IMAGE and DIR/test/CLASS/IMAGE, features by CONFIG CKPT "
        "or --model",
    )
    data.add_argument("--cache", metavar="DIR", help="keep the features of --target")
    for split in ("train", "test"):
        data.add_argument(
            f"--{split}-labels",
            metavar="TABLE",
            help=".csv or .jsonl with the columns image and label, or image and labels "
            "(several: 'cat;dog' or a JSON list)",
        )
    data.add_argument(
        "--shots", type=kinds.COUNT, help="training images a class, drawn"
    )
    data.add_argument(
        "--seeds", type=kinds.COUNT, default=1, help="draws of --shots: mean and spread"
    )
    options.add_json(parser)
    nets = parser.add_argument_group("sub-nets of an elastic CONFIG, on --target")
    options.add_subnets(nets, "names, or anchors such as 0.5")
    nets.add_argument(
        "--all-subnets",
        action="store_true",
        help="every sub-net of the space; of a large space, every calibrated one",
    )
    nets.add_argument(
        "--calibrate",
        metavar="SRC",
        help="folder or list of images for the batch-norm statistics of sub-nets that "
        "share norms, instead of the checkpoint's",
    )
    add_extractor_options(parser)


def run(args: argparse.Namespace, probes: Sequence[Any], **settings: Any) -> None:
    """Evaluates as the flags say, and prints the table.

    Args:
        args: Parsed flags of `add_data_options`.
        probes: See `mmtaskssl.apis.evaluate`.
        **settings: Of the probes.

    Raises:
        UserError: Flags that contradict.
    """
    if args.all_subnets and args.subnet:
        raise OptionMissing("name sub-nets with --subnet, or ask for --all-subnets")
    if args.target and (args.train or args.test):
        raise OptionConflict("name either --target or --train and --test, not both")
    if args.target:
        data, opening = _network(args)
        opening |= running_of(args)
    elif not (args.train and args.test):
        raise OptionMissing(
            "name the data: --train STORE --test STORE, or CONFIG CKPT --target DIR"
        )
    elif args.config or args.model or args.weights:
        raise OptionConflict(
            "a network is of use only with --target: stores have features"
        )
    else:
        data = args.train, args.test
        opening = {"device": args.device, **given_of(args)}
    if args.all_subnets or args.subnet:
        settings["subnets"] = "all" if args.all_subnets else args.subnet
        settings["calibrate"] = args.calibrate
    from ..evaluation.evaluate import evaluate

    result = evaluate(
        data,
        args.target,
        probe=probes,
        shots=args.shots,
        seeds=args.seeds,
        train_labels=args.train_labels,
        test_labels=args.test_labels,
        cache=args.cache,
        keep=args.json,
        log=say,
        **settings,
        **opening,
    )
    say(result.table())


def _network(args: argparse.Namespace) -> tuple[Any, dict[str, Any]]:
    opening = network_of(args)
    data = opening.pop("network")
    return data, opening
