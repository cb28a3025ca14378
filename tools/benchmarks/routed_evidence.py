"""From one trained network: do its paths serve targets better than itself?

    routed_evidence.py --data DIR --work-dir OUT [--seeds 5] [--iters N]
                       [--base-iters N] [--figures FILE] [--tables-only]

DIR is as for sdr_evidence.py. For every seed MAX, the whole network, trains alone. From
its weights, at half the rate: paths of 16 clusters, by EfficientNet-Lite0's features at
128 px or random ones; MAX as long; and MAX for as many MACs as the paths' training
takes. The weight of paths' losses is the one that folds of training images chose among
the recipes of model_zoo.md.

A target's path is the one of the best kNN on folds of its training images, MAX among
them; "within a standard error" MAX is taken unless the path is better by more than
that. "Mixed" are all paths, each weighted by the target's share of its cluster, which
reads no label. Test images decide nothing. kNN and logistic regression on frozen
features.

Interrupted, it continues with the same command; the tables are in OUT/tables.md.
"""

import os
from collections.abc import Sequence

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

from mmtaskssl.utils.errors import run_tool
from sdr_evidence import CONFIG, TARGETS
from studies.packed import add_figures, conduct_packed
from studies.pool_study import Place
from studies.sdr_continued import SdrContinued
from studies.study import study_parser


def main(argv: Sequence[str] | None = None) -> None:
    parser = study_parser(__doc__, seeds=5)
    parser.add_argument("--targets", nargs="+", default=TARGETS)
    parser.add_argument("--iters", type=int, default=300)
    parser.add_argument("--base-iters", type=int, default=1000)
    parser.add_argument("--path-weight", type=float, default=0.3)
    add_figures(parser)
    args = parser.parse_args(argv)
    study = SdrContinued(
        *(Place.of(args), CONFIG, args.iters, args.base_iters, args.path_weight)
    )
    conduct_packed(study, args)


if __name__ == "__main__":
    run_tool(main)
