"""Does the leak guard find copies, and copies alone?

    extract_features.py EXTRACTOR --images DIR/pool/images --out POOL
    leak_evidence.py EXTRACTOR --pool POOL --data DIR --out OUT [--targets NAME ...]

EXTRACTOR is CONFIG CKPT or --model ... with the same --image-size in both. DIR holds
pool/images and classification/NAME/{train,test}/CLASS. Of some test images of each
target a copy of each kind (mirrored, cropped, re-encoded, resized, grey) is planted
into the pool; the guard then runs by features and by pixels, calibrated on copies of
its own draws. "Others dropped" are pool images that were not planted: natural
duplicates, to be looked at in OUT/METHOD.json, and errors. The rule was fixed on
signdigits.

Features and results are kept in OUT; an interrupted run goes on where it was.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmtaskssl.benchmarks.evidence import read_json
from mmtaskssl.benchmarks.leak_study import LeakStudy, table
from mmtaskssl.features.cli import add_extractor_options, runner_from_options
from mmtaskssl.features.store import FeatureStore
from mmtaskssl.utils.atomic import write_json
from mmtaskssl.utils.errors import run_tool

TARGETS = ("signdigits", "cifar10", "clothing", "dtd10", "imagenette")


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", nargs="?", metavar="CONFIG")
    parser.add_argument("checkpoint", nargs="?", metavar="CKPT")
    parser.add_argument("--pool", required=True, metavar="STORE")
    parser.add_argument("--data", required=True, type=Path, metavar="DIR")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--targets", nargs="+", default=TARGETS)
    parser.add_argument(
        "--methods", nargs="+", default=["features", "pixels"], metavar="METHOD"
    )
    parser.add_argument(
        "--look-alikes",
        type=int,
        metavar="N",
        help="of each target, take the N pool images most similar to its test images "
        "instead of the whole pool",
    )
    parser.add_argument(
        "--planted", type=int, default=40, metavar="N", help="images of each target"
    )
    add_extractor_options(parser)
    args = parser.parse_args(argv)
    runner = runner_from_options(args, args.config, args.checkpoint)
    pool = FeatureStore.open(args.pool)
    study = LeakStudy(
        runner,
        pool,
        args.data,
        args.out,
        args.targets,
        args.planted,
        args.look_alikes,
        log,
    )
    joined, tests = study.prepare()
    for method in args.methods:
        path = args.out / f"{method}.json"
        result = read_json(path)
        if result is None:
            result = study.measure(joined, tests, method)
            write_json(path, result)
        print(f"\nby {method}:\n\n{table(result)}")


def log(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    run_tool(main)
