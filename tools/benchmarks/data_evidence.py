"""Does DATA's label-free search find good sub-nets? Its claims on real images.

    data_evidence.py --data DIR --work-dir OUT [--seeds N] [--stages NAME ...]
                     [--iters N] [--targets NAME ...] [--tables-only]

DIR holds pool/images and classification/NAME/{train,test}/CLASS. Stages, in order:

train   Pre-trains a supernet for each seed on the pool, with five checkpoints.
curve   kNN of MAX, MIN and five random sub-nets at each checkpoint, and untrained.
truth   kNN and linear accuracy of sub-nets in three narrow bands of MACs and over the
        whole space, on each target.
score   The search's similarities of the same sub-nets on the targets' training images,
        without labels; and of many more in the handmade sub-net's band, of which the
        most similar ones are then measured like the others.
keys    The authors' loop, one key forward, average and queue update per sub-net,
        against ours: kNN after as many iterations, and CPU time of interleaved steps.

Every sub-net's batch norms are calibrated on the target's training images. Everything
is kept in the working directory: interrupted, it continues with the same command. The
tables are in OUT/tables.md.
"""

import os
from collections.abc import Sequence

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

from mmtaskssl.utils.errors import run_tool
from studies.data import STAGES, Data
from studies.pool_study import Place
from studies.study import conduct, study_parser

CONFIG = (
    "configs/data/supernet-mocov2_dynamic-resnet-basic_1xb128-coslr-2k_folder-40px.py"
)
TARGETS = ["signdigits", "cifar10", "imagenette", "clothing", "dtd10"]


def main(argv: Sequence[str] | None = None) -> None:
    parser = study_parser(__doc__)
    parser.add_argument("--config", default=CONFIG)
    parser.add_argument("--iters", type=int, default=1500)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--targets", nargs="+", default=TARGETS, metavar="NAME")
    parser.add_argument("--stages", nargs="+", default=STAGES, choices=STAGES)
    args = parser.parse_args(argv)
    study = Data(
        *(Place.of(args), args.config, args.iters, args.stages, args.first_seed)
    )
    conduct(study, args.tables_only)


if __name__ == "__main__":
    run_tool(main)
