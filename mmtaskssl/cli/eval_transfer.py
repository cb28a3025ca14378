"""The transfer protocol: a network on the public classification sets, frozen.

eval_transfer.py CONFIG CKPT --root /data --out OUT
eval_transfer.py EXPORT_DIR --root /data --out OUT [--sets aircraft cifar10 ...]
eval_transfer.py --model torchvision:resnet50 --weights FILE --root /data --out OUT
eval_transfer.py EXPORT_DIR --root /data --out OUT --sets imagenet places205 --probe knn

ROOT holds the sets' official downloads, laid out as torchvision does; sets that are not
there are skipped by name. Default: the eleven sets of the SDR paper. Probes: linear
(logistic regression, 45 weight decays, chosen on the validation images, fitted again on
training and validation images), knn (k 20, temperature 0.07), svm (VOC2007: one linear
SVM a class). The 45 values are the papers' (Kornblith et al., 2019), on features that
we standardise; eval_linear.py --protocols says of each probe what is the papers' and
what is ours. Each set is measured by its own metric: top-1, mean per class or mAP.

Prints one table; OUT keeps the features and results.json, and the same command goes on
where an earlier one was interrupted.
"""

import argparse
from collections.abc import Sequence

from . import options
from .extractor import add_extractor_options, network_of, running_of
from .saying import say

_PROBES = ("linear", "knn", "svm")


def make_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    parser = options.make_parser(__doc__)
    parser.add_argument("config", nargs="?", metavar="CONFIG | EXPORT_DIR")
    parser.add_argument(
        "checkpoint", nargs="?", metavar="CKPT", help="file, or 'random' (untrained)"
    )
    parser.add_argument("--root", required=True, help="folder that holds the sets")
    options.add_out(parser, "features and results")
    parser.add_argument(
        "--sets",
        nargs="+",
        metavar="SET",
        help="names in configs/_base_/datasets/transfer, or configs' files",
    )
    parser.add_argument("--probe", nargs="+", choices=_PROBES, default=["linear"])
    options.add_json(parser)
    add_extractor_options(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Measures every set that is there."""
    args = make_parser().parse_args(argv)
    opening = network_of(args)
    network = opening.pop("network")
    from ..evaluation.transfer import evaluate_transfer

    result = evaluate_transfer(
        network,
        args.root,
        args.out,
        sets=args.sets,
        probes=args.probe,
        overwrite=args.overwrite,
        keep=args.json,
        log=say,
        **opening,
        **running_of(args),
    )
    say(result.table())
