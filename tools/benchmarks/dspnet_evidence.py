"""Is a slimmed network as good as one trained alone? DSPNet against its controls.

    dspnet_evidence.py --data DIR --work-dir OUT [--iters N] [--seeds N] [--arms ...]
    dspnet_evidence.py --data DIR --work-dir OUT --teacher timm:NAME=FILE
                       [--config SUPERNET --subnets MAX R18 MIN]
    dspnet_evidence.py --data DIR --work-dir OUT --tables-only

DIR holds pool/images and classification/NAME/{train,test}/CLASS. For every seed the
slimmable network is trained once (arm `sandwich`), and each of its widths alone by the
config that tools/misc/individual_configs.py would write: the same images, views,
schedule, optimizer and number of iterations. Each network is measured as a plain one,
by weighted kNN and logistic regression on every target; so are untrained ones. The
other arms change one thing of the slimmable training. With ``--teacher`` all of it is
distillation, and ``--config`` may also name that of a supernet, of which ``--subnets``
are looked at, calibrated on the pool. The cost of a training is the
CPU time of its process, start and decoding included.

Interrupted, it continues with the same command (a training that was interrupted then
has no cost); the tables are in OUT/tables.md after every seed.
"""

import os
from collections.abc import Sequence

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

from mmtaskssl.utils.errors import run_tool
from studies.dspnet import ARMS, Dspnet
from studies.pool_study import Place
from studies.study import conduct, study_parser

CONFIG = (
    "configs/dspnet/dspnet-byol_slimmable-resnet10-w32_1xb128-coslr-2k_folder-40px.py"
)


TAUGHT = "configs/distill/distill-slimmable_resnet10-w32_1xb128-coslr-2k_folder-40px.py"


_ARMS = ["sandwich", "all", "dynamic", "calibrated", "dsp_plus"]


def main(argv: Sequence[str] | None = None) -> None:
    parser = study_parser(__doc__, data=os.environ.get("MMTASKSSL_DATA"))
    parser.add_argument("--config")
    parser.add_argument("--teacher", metavar="NETWORK", help="teaches all networks")
    parser.add_argument("--subnets", nargs="+", help="default: all of the space")
    parser.add_argument("--iters", type=int, default=1000)
    parser.add_argument("--targets", nargs="+", help="default: all")
    parser.add_argument(
        "--arms",
        nargs="+",
        choices=ARMS,
        help="the first is compared with the networks trained alone; default: "
        f"{' '.join(_ARMS)}, with a teacher the first alone",
    )
    args = parser.parse_args(argv)
    study = Dspnet(
        Place.of(args),
        args.config or (TAUGHT if args.teacher else CONFIG),
        args.iters,
        args.arms or (_ARMS[:1] if args.teacher else _ARMS),
        args.teacher,
        args.subnets,
    )
    conduct(study, args.tables_only)


if __name__ == "__main__":
    run_tool(main)
