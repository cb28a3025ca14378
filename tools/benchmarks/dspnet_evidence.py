"""Is a slimmed network as good as one trained alone? DSPNet against its controls.

    dspnet_evidence.py --data DIR --work-dir OUT [--iters N] [--seeds N] [--arms ...]
    dspnet_evidence.py --data DIR --work-dir OUT --tables-only

DIR holds pool/images and classification/NAME/{train,test}/CLASS. For every seed the
slimmable network is trained once (arm `sandwich`), and each of its widths alone by the
config that tools/misc/individual_configs.py would write: the same images, views,
schedule, optimizer and number of iterations. Each network is measured as a plain one,
by weighted kNN and logistic regression on every target; so are untrained ones. The
other arms change one thing of the slimmable training. The cost of a training is the
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


def main(argv: Sequence[str] | None = None) -> None:
    parser = study_parser(__doc__, data=os.environ.get("MMTASKSSL_DATA"))
    parser.add_argument("--config", default=CONFIG)
    parser.add_argument("--iters", type=int, default=1000)
    parser.add_argument("--targets", nargs="+", help="default: all")
    parser.add_argument(
        "--arms",
        nargs="+",
        choices=ARMS,
        default=["sandwich", "all", "dynamic", "calibrated", "dsp_plus"],
        help="the first is compared with the networks trained alone",
    )
    args = parser.parse_args(argv)
    study = Dspnet(Place.of(args), args.config, args.iters, args.arms)
    conduct(study, args.tables_only)


if __name__ == "__main__":
    run_tool(main)
