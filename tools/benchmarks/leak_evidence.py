"""Does the leak guard find copies, and copies alone?

    extract_features.py EXTRACTOR --images POOL_FOLDER --out POOL
    extract_features.py EXTRACTOR --images TEST_FOLDER --out TEST --leak-copies
    leak_evidence.py --pool POOL --tests TEST [TEST ...] --out OUT

Copies of each kind (mirrored, cropped, re-encoded, resized, grey) of test images that
the guard did not learn from are looked for by pixels, and, of the pool, the images that
look most like the test images; by features the whole pool is. What is dropped of the
pool are natural duplicates, to be looked at in OUT/TEST-METHOD.json, and errors.

An interrupted run goes on where it was.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmtaskssl.benchmarks.evidence import read_json
from mmtaskssl.benchmarks.leak_study import (
    METHODS,
    measure_features,
    measure_pixels,
    table,
)
from mmtaskssl.features.store import FeatureStore, check_same_extractor
from mmtaskssl.utils.atomic import write_json
from mmtaskssl.utils.errors import run_tool
from mmtaskssl.utils.options import add_pixel_option


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pool", required=True, metavar="STORE")
    parser.add_argument("--tests", required=True, nargs="+", metavar="STORE")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument(
        "--copied", type=int, default=40, help="images learnt from, and looked for"
    )
    parser.add_argument("--look-alikes", type=int, default=200, help="of the pool")
    add_pixel_option(parser)
    args = parser.parse_args(argv)
    pool = FeatureStore.open(args.pool)
    tests = [FeatureStore.open(path) for path in args.tests]
    for test in tests:
        check_same_extractor(pool, test)
    args.out.mkdir(parents=True, exist_ok=True)
    for method in args.methods:
        results = {}
        for test in tests:
            path = args.out / f"{test.path.name}-{method}.json"
            found = read_json(path)
            if found is None:
                if method == "pixels":
                    found = measure_pixels(pool, test, args.copied, args.look_alikes)
                else:
                    found = measure_features(pool, test)
                write_json(path, found)
            results[test.path.name] = found
        print(f"\nby {method}: found (stated), %\n\n{table(results)}", flush=True)


if __name__ == "__main__":
    run_tool(main)
