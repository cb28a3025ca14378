"""Does a label-free score rank sub-nets, in a regime in which there is an order?

    search_evidence.py --data DIR --work-dir OUT --weights FILE [--seeds N]
                       [--first-seed N] [--stages NAME ...] [--iters N] [--nets N]
                       [--targets NAME ...] [--config FILE] [--images KIND ...]
                       [--figures FILE] [--tables-only]

DIR is as for sept_evidence.py, and has segmentation/camvid; FILE holds
EfficientNet-Lite0's ImageNet weights, by timm's names. Supernets of the 5,832-net
basic-block space, or of another --config, are distilled at 40 px from that network's
features of whole images at 128 px, which are extracted once. Stages:

prepare The teacher's features of the pool and of the targets, and SEPT's selections.
train   Distils a supernet for each seed.
truth   kNN and linear accuracy of the sub-nets on each target, batch norms calibrated
        on its training images.
score   Prints the gate first: how reliable the accuracies are at equal MACs, and so
        what a perfect score would reach; and MAX less the mean net. Then the panel of
        label-free scores, on the target's own images and on SEPT's selection for it.
zero    A zero-cost score of the untrained sub-nets.
alone   Twelve nets, each distilled by itself for as many iterations.
dense   The same twelve of the first supernet, as segmentors of street scenes, and the
        scores of its training images.
arms    Supernets trained with each fairness switch: distillation in place, loss
        weights, MACs strata, earlier decay of small nets, progressive shrinking.
mean    The scores of the mean of the first supernet's weights in the last fifth of its
        training, which is done once more for it.
gain    What is found in R18's band by the score that the other targets choose.

Seeds may be run apart, in processes that share OUT, once `prepare` has ended: zero,
alone, dense, arms and mean belong to seed 0. Everything is kept as soon as it is found:
interrupted, it continues with the same command. The tables are in OUT/tables.md.
"""

import os
from collections.abc import Sequence

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

from mmtaskssl.utils.errors import run_tool
from starts_evidence import TARGETS
from studies.packed import add_figures, conduct_packed
from studies.pool_study import Place
from studies.search import CONFIG, STAGES, SearchStudy
from studies.search_design import IMAGES
from studies.study import study_parser


def main(argv: Sequence[str] | None = None) -> None:
    parser = study_parser(__doc__)
    parser.add_argument("--weights", required=True, metavar="FILE")
    parser.add_argument("--targets", nargs="+", default=TARGETS, metavar="NAME")
    parser.add_argument("--iters", type=int, default=2400)
    parser.add_argument("--nets", type=int, default=40)
    parser.add_argument("--budget", type=int, default=1000, help="K, images")
    parser.add_argument("--config", default=CONFIG, help="of the supernet")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--stages", nargs="+", default=STAGES, choices=STAGES)
    parser.add_argument("--images", nargs="+", default=IMAGES, choices=IMAGES)
    add_figures(parser)
    args = parser.parse_args(argv)
    study = SearchStudy(
        *(Place.of(args), args.weights, args.iters, args.nets, args.budget),
        *(args.stages, args.first_seed, args.config, args.images),
    )
    conduct_packed(study, args)


if __name__ == "__main__":
    run_tool(main)
