"""One small network: untrained, trained by itself, and taught by public weights.

    students_evidence.py --data DIR --work-dir OUT --weights FILE [--iters N]
                         [--recipes ssl taught] [--tables-only]

DIR is as for sept_evidence.py; FILE holds EfficientNet-Lite0's ImageNet weights, by
timm's names. A ten-layer ResNet at 40 px trains for as many steps by MoCo v2 or by
distillation of the public network at 80 px, on K images that SEPT selects by the public
network's features, on K random ones, and on the pool. Frozen features, kNN and logistic
regression.

The targets imagenette, cifar10 and clothing have classes of ImageNet's: there, the
teacher and the selections know labels.

Interrupted, it continues with the same command; the tables are in OUT/tables.md. An OUT
of starts_evidence.py has the selections already.
"""

from collections.abc import Sequence

from mmtaskssl.utils.errors import run_tool
from starts_evidence import TARGETS
from studies.packed import add_figures, conduct_packed
from studies.pool_study import Place
from studies.students import RECIPES, StudentStudy
from studies.study import study_parser


def main(argv: Sequence[str] | None = None) -> None:
    parser = study_parser(__doc__)
    parser.add_argument("--weights", required=True, metavar="FILE")
    parser.add_argument("--targets", nargs="+", default=TARGETS)
    parser.add_argument("--recipes", nargs="+", choices=RECIPES, default=[*RECIPES])
    parser.add_argument("--budget", type=int, default=1000, help="K, images")
    parser.add_argument("--iters", type=int, default=1000)
    add_figures(parser)
    args = parser.parse_args(argv)
    study = StudentStudy(
        Place.of(args), args.weights, args.recipes, args.budget, args.iters
    )
    conduct_packed(study, args)


if __name__ == "__main__":
    run_tool(main)
