"""What tools/eval_knn.py and tools/eval_linear.py have in common."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..cli.extractor import add_extractor_options, network_of, running_of
from ..datasets.images import folder_labels, list_images
from ..features.extract import extract_to_store
from ..features.opening import open_runner
from ..features.runner import BatchRunner, extract_in_memory
from ..utils.atomic import write_json
from ..utils.devices import pick_device
from ..utils.errors import UserError
from .data import LabeledFeatures, from_features, from_store, labeled_pair, load_stores
from .protocol import Method, evaluate, format_result

Log = Callable[[str], None]
SPLITS = ("train", "test")


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Adds what `run_evaluation` reads."""
    parser.add_argument("config", nargs="?", metavar="CONFIG")
    parser.add_argument(
        "checkpoint", nargs="?", metavar="CKPT", help="file, or 'random' (untrained)"
    )
    data = parser.add_argument_group("data: two stores, or a folder of images")
    data.add_argument("--train", metavar="STORE")
    data.add_argument("--test", metavar="STORE")
    data.add_argument(
        "--target",
        metavar="DIR",
        help="DIR/train/CLASS/IMAGE and DIR/test/CLASS/IMAGE, features by CONFIG CKPT "
        "or --model",
    )
    data.add_argument("--cache", metavar="DIR", help="keep the features of --target")
    for split in SPLITS:
        data.add_argument(
            f"--{split}-labels",
            metavar="TABLE",
            help=".csv or .jsonl with the columns image and label, or image and labels "
            "(several: 'cat;dog' or a JSON list)",
        )
    data.add_argument("--shots", type=int, help="training images a class, drawn")
    data.add_argument(
        "--seeds", type=int, default=1, help="draws of --shots: mean and spread"
    )
    parser.add_argument("--json", metavar="OUT", help="also write the result here")
    nets = parser.add_argument_group("sub-nets of an elastic CONFIG, on --target")
    nets.add_argument(
        "--subnet", nargs="+", metavar="NAME", help="names, or anchors such as 0.5"
    )
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


def run_evaluation(
    args: argparse.Namespace, name: str, method: Method, facts: dict[str, Any], log: Log
) -> dict[str, Any]:
    """Loads or extracts features, evaluates ``method``, prints and writes the result.

    Raises:
        UserError: Options that contradict, or data that cannot be used.
    """
    train, test = _load(args, log)
    device = pick_device(args.device)
    result = {
        "method": name,
        **facts,
        "extractor": [args.config, args.checkpoint] if args.config else args.model,
        "source": args.source if args.target else None,
        "data": args.target or [args.train, args.test],
        **evaluate(method, train.to(device), test.to(device), args.shots, args.seeds),
    }
    log(format_result(result))
    if args.json:
        write_json(args.json, result)
    return result


def _load(
    args: argparse.Namespace, log: Log
) -> tuple[LabeledFeatures, LabeledFeatures]:
    if args.target:
        if args.train or args.test:
            raise UserError("name either --target or --train and --test, not both")
        runner = open_runner(**network_of(args), **running_of(args))
        return target_features(args, runner, args.cache, log)
    if not (args.train and args.test):
        raise UserError(
            "name the data: --train STORE --test STORE, or CONFIG CKPT --target DIR"
        )
    if args.config or args.model:
        raise UserError("a network is of use only with --target: stores have features")
    return load_stores(args.train, args.test, args.train_labels, args.test_labels)


def target_features(
    args: argparse.Namespace, runner: BatchRunner, cache: str | Path | None, log: Log
) -> tuple[LabeledFeatures, LabeledFeatures]:
    """Extracts the training and the test features of ``--target``.

    Args:
        args: Parsed options of `add_data_options`.
        runner: Runs the network.
        cache: Folder that keeps the features; None: none does.
        log: Receives lines on the progress.

    Raises:
        UserError: The target lacks a folder, images or labels.
    """
    return labeled_pair(*(_split(args, runner, split, cache, log) for split in SPLITS))


def target_images(args: argparse.Namespace, split: str) -> tuple[Path, list[str]]:
    """Returns the folder of a split of ``--target``, and its image ids.

    Raises:
        UserError: There is none.
    """
    folder = Path(args.target, split)
    if not folder.is_dir():
        raise UserError(
            f"{folder} does not exist: a target holds train/CLASS/IMAGE and "
            "test/CLASS/IMAGE"
        )
    return list_images(str(folder))


def _split(
    args: argparse.Namespace,
    runner: BatchRunner,
    split: str,
    cache: str | Path | None,
    log: Log,
) -> LabeledFeatures:
    table = getattr(args, f"{split}_labels")
    root, image_ids = target_images(args, split)
    labels = None if table else folder_labels(image_ids)
    if cache:
        store = extract_to_store(
            runner,
            root,
            image_ids,
            Path(cache, split),
            labels=labels,
            source=str(Path(args.target, split)),
            log=lambda text: log(f"{split}: {text}"),
        )
        return from_store(store, split, table)
    features, broken = extract_in_memory(runner, root, image_ids)
    class_names = sorted(set(labels or ()))
    index = {name: i for i, name in enumerate(class_names)}
    return from_features(
        features,
        image_ids,
        np.array(sorted(broken), dtype=np.int64),
        None if labels is None else np.array([index[name] for name in labels]),
        class_names,
        split,
        table,
        str(Path(args.target, split)),
    )
