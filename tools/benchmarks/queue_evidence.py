"""How long may MoCo's queue be? kNN over queue / K on K images.

    queue_evidence.py --data DIR --work-dir OUT [--sizes K ...] [--shares S ...]

DIR is as for sept_evidence.py. MoCo v2 pre-trains on K images of the target's own
source (all that a selection could wish for), with queues of several shares of K, and
is measured on the target. The rule of QueueLengthHook comes from this table.

Interrupted, it continues with the same command; the table is in OUT/tables.md.
"""

from collections.abc import Sequence

from mmtaskssl.utils.errors import run_tool
from studies.pool_study import Place
from studies.queue_length import QueueLength
from studies.study import conduct, study_parser


def main(argv: Sequence[str] | None = None) -> None:
    parser = study_parser(__doc__, seeds=2)
    parser.add_argument("--targets", nargs="+", default=["signdigits"])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 500])
    parser.add_argument(
        "--shares", type=float, nargs="+", default=[0.125, 0.25, 0.5, 1, 4]
    )
    parser.add_argument("--iters", type=int, default=400)
    parser.add_argument("--batch-size", type=int, default=64)
    args = parser.parse_args(argv)
    study = QueueLength(
        *(Place.of(args), args.sizes, args.shares, args.iters, args.batch_size)
    )
    conduct(study, args.tables_only)


if __name__ == "__main__":
    run_tool(main)
