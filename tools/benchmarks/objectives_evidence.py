"""Which objective? LeJEPA and VICReg beside MoCo v2, BYOL and SimSiam, on a CPU.

    objectives_evidence.py --data DIR --work-dir OUT [--choose-on TARGET ...]

DIR is as for sept_evidence.py. The ten-layer network at 40 px trains by each objective
on the same images, an equal share of each target's own source in the pool, with equal
compute (in forward and backward passes), and is measured on every target by kNN and a
linear probe. Settings are chosen on two targets and reported on the others.

Several processes may share a work dir, each with --objectives of its own.
Interrupted, it continues with the same command; the table is in OUT/tables.md.
"""

from collections.abc import Sequence

from mmtaskssl.utils.errors import run_tool
from studies.objectives import OBJECTIVES, Objectives
from studies.pool_study import Place
from studies.study import conduct, study_parser


def main(argv: Sequence[str] | None = None) -> None:
    parser = study_parser(__doc__, seeds=1)
    parser.add_argument("--targets", nargs="+")
    parser.add_argument("--choose-on", nargs="+", default=["clothing", "signdigits"])
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--iters", type=int, default=600)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument(
        "--objectives", nargs="+", choices=list(OBJECTIVES), default=list(OBJECTIVES)
    )
    args = parser.parse_args(argv)
    study = Objectives(
        Place.of(args),
        args.choose_on,
        args.images,
        args.iters,
        args.batch_size,
        args.objectives,
    )
    conduct(study, args.tables_only)


if __name__ == "__main__":
    run_tool(main)
