"""The finished command on every target: was it worth it, and was the diagnosis right?

    customize_evidence.py --data DIR --work-dir OUT [--start timm:NAME=FILE]
                          [--budget 18M-21M] [--seeds 3] [--void NAME=INDEX]
                          [--more --scale 0.5]

DIR is as for sept_evidence.py, with detection/NAME and segmentation/NAME if there are
any. Each target is customized as anybody would, once with the start and once without
one, where generic pre-training is what is to be beaten, also of four times the length;
all figures are read from the records. Regret is how far behind the best an arm is,
on folds of the training images: the one that the diagnosis names without past studies
of that target, and each that could always be taken. Everything counts as compute:
diagnosis, all arms, the verdict.

Another seed is the command again with that seed and the arms that the first one
decided between, in a folder of its own; what has figures in a file (--figures) is not
run again. Interrupted, it continues with the same command; the tables are in
OUT/tables.md.
"""

import argparse

from mmtaskssl.utils.errors import run_tool
from studies.customizing import Customizing
from studies.packed import add_figures, conduct_packed
from studies.study import study_parser


def main(argv=None):
    parser = study_parser(__doc__)
    parser.add_argument("--start", metavar="NETWORK", help="trained weights at hand")
    parser.add_argument("--with-start-only", action="store_true")
    parser.add_argument("--budget", default="18M-21M", metavar="LO-HI")
    parser.add_argument("--targets", nargs="+")
    parser.add_argument(
        "--void",
        nargs="+",
        default=(),
        metavar="NAME=INDEX",
        help="of a segmentation's masks, the index of pixels of no class",
    )
    parser.add_argument(
        "--more", nargs=argparse.REMAINDER, help="flags of customize, at the end"
    )
    add_figures(parser)
    args = parser.parse_args(argv)
    conduct_packed(Customizing(args), args)


if __name__ == "__main__":
    run_tool(main)
