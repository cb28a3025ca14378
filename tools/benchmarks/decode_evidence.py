"""What decoding JPEGs at a reduced scale saves, and what it does to features.

    python tools/benchmarks/decode_evidence.py --images SRC [--model timm:NAME] \
        [--sizes 64 96 128 160] [--count 200]

For each side of a network's input: how many images are decoded at another scale, the
time to decode, resize and crop one in full and reduced (medians of runs in turn), their
ratio, and the cosine of both features: the mean, the 1st percentile and the least. The
last column tells of how often the nearest other image is another one.
"""

import argparse
import statistics
import time

import numpy as np

from mmtaskssl.cli.dry_run import spaced
from mmtaskssl.datasets.eval_transform import EvalTransform
from mmtaskssl.datasets.images import list_images
from mmtaskssl.features.opening import open_runner
from mmtaskssl.features.runner import extract_in_memory
from mmtaskssl.utils.errors import run_tool
from mmtaskssl.utils.tables import aligned


def parse_args(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", required=True)
    parser.add_argument("--model", default="timm:tf_efficientnet_lite0")
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 96, 128, 160])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args(argv)


def seconds(transform: EvalTransform, paths) -> float:
    """Returns the time of reading some images, for one."""
    begin = time.perf_counter()
    for path in paths:
        transform.read(path)
    return (time.perf_counter() - begin) / len(paths)


def main(argv=None):
    args = parse_args(argv)
    root, ids = list_images(args.images)
    ids = spaced(ids, args.count)
    paths = [root / image for image in ids]
    head = ["input", "reduced", "full", "reduced takes", "ratio"]
    rows = [[*head, "cosine", "1st pc", "least", "other nearest"]]
    for size in args.sizes:
        pair = [EvalTransform(size), EvalTransform(size, decode="reduced")]
        times = [[seconds(one, paths) for one in pair] for _ in range(args.rounds)]
        full, less = (statistics.median(column) for column in zip(*times, strict=True))
        ratio = statistics.median(a / b for a, b in times)
        changed = sum(
            not np.array_equal(*(one.read(path) for one in pair)) for path in paths
        )
        found = []
        for decode in ("full", "reduced"):
            runner = open_runner(
                args.model, image_size=size, decode=decode, workers=0, device="cpu"
            )
            found.append(extract_in_memory(runner, root, ids)[0])
        cosine = (found[0] * found[1]).sum(axis=1)
        nearest = []
        for features in found:  # of a target's search: both against the full ones
            alike = features @ found[0].T
            np.fill_diagonal(alike, -1)
            nearest.append(alike.argmax(axis=1))
        other = (nearest[0] != nearest[1]).mean()
        figures = [cosine.mean(), np.quantile(cosine, 0.01), cosine.min()]
        rows.append(
            [
                *(f"{size} px", f"{changed} of {len(ids)}", f"{1e3 * full:.2f} ms"),
                *(f"{1e3 * less:.2f} ms", f"{ratio:.2f}"),
                *(f"{value:.4f}" for value in figures),
                f"{100 * other:.1f} %",
            ]
        )
    print("\n".join(aligned(rows, names=1)))


if __name__ == "__main__":
    run_tool(main)
