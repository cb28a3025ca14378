"""Does selecting the data help? SEPT against its controls on real images.

    sept_evidence.py --data DIR --work-dir OUT [--regime cpu|gpu] [--tables-only]

DIR holds pool/images, pool/sources.csv and classification/NAME/{train,test}/CLASS. For
every seed, MoCo v2 pre-trains on the whole pool; that network is the extractor, by
which each target selects K pool images. Then the same recipe runs, for as many
iterations, on each selection and on K random images. All networks and one untrained
are measured on the targets by weighted kNN and logistic regression. The sources of
the pool's images are read only to measure where a selection comes from, and, with
--oracle, for one more arm: K images of the target's own source, which shows what a
selection without a mistake would bring.

Interrupted, it continues with the same command; the tables are in OUT/tables.md.
"""

from collections.abc import Sequence

from mmtaskssl.utils.errors import run_tool
from studies.pool_study import Place
from studies.sept import REGIMES, Sept
from studies.study import conduct, study_parser


def main(argv: Sequence[str] | None = None) -> None:
    parser = study_parser(__doc__)
    parser.add_argument("--regime", choices=REGIMES, default="cpu")
    parser.add_argument(
        "--targets", nargs="+", default=["signdigits", "clothing", "imagenette"]
    )
    parser.add_argument("--budget", type=int, default=1000, help="K, images")
    parser.add_argument("--iters", type=int, help="instead of the regime's own")
    parser.add_argument("--oracle", action="store_true", help="the arm of own sources")
    args = parser.parse_args(argv)
    study = Sept(
        *(Place.of(args), args.regime, args.budget, args.iters), oracle=args.oracle
    )
    conduct(study, args.tables_only)


if __name__ == "__main__":
    run_tool(main)
