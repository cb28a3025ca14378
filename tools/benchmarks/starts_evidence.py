"""Public weights as they are, against the same continued on selected images.

    starts_evidence.py --data DIR --work-dir OUT --weights FILE [--sides 40 64]
                       [--recipes anchor selfres] [--tables-only]

DIR is as for sept_evidence.py; FILE holds EfficientNet-Lite0's ImageNet weights, by
timm's names. Each target's K images are selected by the public network's features at
128 px. At each side the network is measured as it is, with batch norms re-estimated on
the pool, and at twice the side; and continued on K selected images, on K random ones
and on the pool, by both recipes of configs/distill, and half way between start and end.
What a user should take is chosen on folds of the target's training images; the test
images are read once. Frozen features, kNN and logistic regression.

The targets imagenette, cifar10 and clothing have classes of ImageNet's: there, public
weights know labels.

Interrupted, it continues with the same command; the tables are in OUT/tables.md.
"""

from collections.abc import Sequence

from mmtaskssl.utils.errors import run_tool
from studies.packed import add_figures, conduct_packed
from studies.pool_study import Place
from studies.starts import RECIPES, StartStudy
from studies.study import study_parser

TARGETS = ["clothing", "signdigits", "imagenette", "dtd10", "cifar10"]


def main(argv: Sequence[str] | None = None) -> None:
    parser = study_parser(__doc__)
    parser.add_argument("--weights", required=True, metavar="FILE")
    parser.add_argument("--targets", nargs="+", default=TARGETS)
    parser.add_argument("--sides", type=int, nargs="+", default=[40, 64])
    parser.add_argument("--recipes", nargs="+", choices=RECIPES, default=[*RECIPES])
    parser.add_argument("--budget", type=int, default=1000, help="K, images")
    parser.add_argument("--iters", type=int, default=200)
    add_figures(parser)
    args = parser.parse_args(argv)
    study = StartStudy(
        *(Place.of(args), args.weights, args.sides, args.recipes, args.budget),
        args.iters,
    )
    conduct_packed(study, args)


if __name__ == "__main__":
    run_tool(main)
