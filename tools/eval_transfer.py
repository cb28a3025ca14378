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

from mmtaskssl.cli.extractor import add_extractor_options, network_of, running_of
from mmtaskssl.datasets.transfer_sets import ELEVEN_SETS, TransferSet
from mmtaskssl.evaluation.transfer import TransferEvaluation
from mmtaskssl.evaluation.transfer_probes import PROBES
from mmtaskssl.features.opening import open_runner
from mmtaskssl.utils.atomic import write_json
from mmtaskssl.utils.devices import pick_device
from mmtaskssl.utils.errors import run_tool


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", nargs="?", metavar="CONFIG | EXPORT_DIR")
    parser.add_argument(
        "checkpoint", nargs="?", metavar="CKPT", help="file, or 'random' (untrained)"
    )
    parser.add_argument("--root", required=True, help="folder that holds the sets")
    parser.add_argument("--out", required=True, help="keeps features and results")
    parser.add_argument(
        "--sets",
        nargs="+",
        default=ELEVEN_SETS,
        metavar="SET",
        help="names in configs/_base_/datasets/transfer, or configs' files",
    )
    parser.add_argument("--probe", nargs="+", choices=PROBES, default=["linear"])
    parser.add_argument("--json", metavar="FILE", help="also write this table here")
    add_extractor_options(parser)
    args = parser.parse_args(argv)

    sets = [TransferSet.read(name) for name in dict.fromkeys(args.sets)]
    runner = open_runner(**network_of(args), **running_of(args))
    evaluation = TransferEvaluation(
        runner, args.root, args.out, pick_device(args.device), log
    )
    result = evaluation.run(sets, list(dict.fromkeys(args.probe)))
    if args.json:
        write_json(args.json, result)


def log(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    run_tool(main)
