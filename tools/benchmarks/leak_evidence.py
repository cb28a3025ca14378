"""Does the leak guard find copies, and copies alone?

    extract_features.py EXTRACTOR --images POOL_FOLDER --out POOL
    extract_features.py EXTRACTOR --images TEST_FOLDER --out TEST --leak-copies
    leak_evidence.py --pool POOL --tests TEST [TEST ...] --out OUT

Copies of each kind (mirrored, cropped, re-encoded, resized, grey) of test images that
the guard did not learn from are looked for by pixels, and, of the pool, the images that
look most like the test images; by features the whole pool is. What is dropped of the
pool are natural duplicates, to be looked at in OUT/TEST-METHOD.json, and errors.

An interrupted run goes on where it was; the tables are in OUT/tables.md.
"""

import argparse
from collections.abc import Sequence

from mmtaskssl.cli import options
from mmtaskssl.features.store import FeatureStore
from mmtaskssl.utils.errors import run_tool
from studies.leaks import METHODS, Leaks
from studies.study import conduct


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pool", required=True, metavar="STORE")
    parser.add_argument("--tests", required=True, nargs="+", metavar="STORE")
    parser.add_argument("--out", required=True)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument(
        "--copied", type=int, default=40, help="images learnt from, and looked for"
    )
    parser.add_argument("--look-alikes", type=int, default=200, help="of the pool")
    options.add_max_pixels(parser)
    args = parser.parse_args(argv)
    stores = FeatureStore.open(args.pool), [*map(FeatureStore.open, args.tests)]
    study = Leaks(*stores, args.out, args.methods, args.copied, args.look_alikes)
    conduct(study, tables_only=False)


if __name__ == "__main__":
    run_tool(main)
