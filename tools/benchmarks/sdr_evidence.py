"""Does routing to a path beat the whole network? SDR against its controls.

    sdr_evidence.py --data DIR --work-dir OUT [--iters N] [--seeds N] [--arms ...]
    sdr_evidence.py --data DIR --work-dir OUT --tables-only

DIR holds pool/images and classification/NAME/{train,test}/CLASS. For every seed MAX
alone trains first, longer than the others, so that it costs as many MACs; its features
cluster the pool. Then the arms train N iterations each: `routed` on these clusters,
`random` on random ones, `no-kd` without distillation, `no-progress` with all paths from
the start. The first phase of the first three is one and the same training, and runs
once. Paths are calibrated as `calibrate_bn.py --clusters` does it.

A target's path is the one of the best kNN on its training images, held out fold by
fold; MAX is a candidate, and wins ties. Test images decide nothing. The planted test
trains paths on domains, found by name in pool/sources.csv, and routes a target of each;
no other step reads that file. Every router of route_subnet.py then chooses a path of
the arm `routed` for every target, for its regret and its time. With --specialists MAX
alone is trained on for N/2 iterations on one cluster, each that the label-free router
chose for a target, and as long on all images: what could be won if nothing was shared.

Interrupted, it continues with the same command; OUT/tables.md is written after every
seed.
"""

import os
from collections.abc import Sequence

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

from mmtaskssl.utils.errors import run_tool
from studies.pool_study import Place
from studies.sdr import Sdr
from studies.sdr_design import ARMS
from studies.study import conduct, study_parser

CONFIG = (
    "configs/sdr/routed-simsiam_resnet10-w32-16paths_1xb128-coslr-2k_folder-40px.py"
)
TARGETS = ["signdigits", "clothing", "imagenette", "dtd10", "cifar10"]


def main(argv: Sequence[str] | None = None) -> None:
    parser = study_parser(__doc__)
    parser.add_argument("--config", default=CONFIG)
    parser.add_argument("--iters", type=int, default=1000)
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=[*ARMS])
    parser.add_argument("--targets", nargs="+", default=TARGETS)
    parser.add_argument(
        "--planted",
        nargs="*",
        default=[],
        metavar="SOURCE",
        help="sources of the pool, also targets, that share the last stage's groups",
    )
    parser.add_argument("--specialists", action="store_true", help="see above")
    args = parser.parse_args(argv)
    study = Sdr(
        *(Place.of(args), args.config, args.iters, args.arms),
        *(args.planted, args.specialists),
    )
    conduct(study, args.tables_only)


if __name__ == "__main__":
    run_tool(main)
