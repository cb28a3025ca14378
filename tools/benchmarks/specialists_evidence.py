"""Does the specialist of a target's clusters beat one generic network?

    specialists_evidence.py --data DIR --work-dir OUT --weights FILE [--seeds 3]
                            [--figures FILE] [--tables-only]

DIR is as for sept_evidence.py; FILE holds EfficientNet-Lite0's ImageNet weights, by
timm's names. Its features at 128 px cluster the pool and say, without labels, in which
clusters each target lies. From its weights, at 40 px, `mmtaskssl branch` trains one
generic network on all images and one specialist for each target's clusters, for as
long. Beside them stands the same training on SEPT's selection, on as many random images
as the clusters hold, and on all images for twice as long, which is what serving one
target costs, and for as long as all these trainings together: three seeds at most.
Routing among them, and half way between, is by the target's training images; the test
images decide nothing. Frozen features, kNN and logistic regression.

Interrupted, it continues with the same command; the tables are in OUT/tables.md.
"""

import os
from collections.abc import Sequence

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

from mmtaskssl.utils.errors import run_tool
from studies.packed import add_figures, conduct_packed
from studies.pool_study import Place
from studies.specialists import SpecialistStudy
from studies.study import study_parser

TARGETS = ["signdigits", "clothing", "imagenette", "dtd10", "cifar10"]


def main(argv: Sequence[str] | None = None) -> None:
    parser = study_parser(__doc__)
    parser.add_argument("--weights", required=True, metavar="FILE")
    parser.add_argument("--targets", nargs="+", default=TARGETS)
    parser.add_argument("--clusters", type=int, default=16)
    parser.add_argument("--iters", type=int, default=200)
    parser.add_argument("--budget", type=int, default=1000, help="K, images of SEPT")
    add_figures(parser)
    args = parser.parse_args(argv)
    study = SpecialistStudy(
        *(Place.of(args), args.weights, args.clusters, args.iters, args.budget),
    )
    conduct_packed(study, args)


if __name__ == "__main__":
    run_tool(main)
