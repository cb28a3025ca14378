"""Which policy finds a target's own kind of images in a pool?

    selection_policies.py --data DIR --networks [SIDE@]NETWORK ... --work-dir OUT
                          [--budget 1000] [--figures FILE]

DIR is as for sept_evidence.py; its ``pool/sources.csv`` says where each image of the
pool is from, which no policy reads. Of each network's features each policy selects for
each target; the figures are the share of the target's own source in the selection, and
how evenly it serves the target's classes (exp(entropy) of the classes of the most
similar training images). Nothing is trained, so nothing is said of what a selection is
worth.

An interrupted run goes on where it was; the tables are in OUT/tables.md.
"""

import argparse
from collections.abc import Sequence

from mmtaskssl.utils.errors import run_tool
from studies.packed import add_figures, conduct_packed
from studies.policies import PolicyStudy
from studies.study import study_parser


def main(argv: Sequence[str] | None = None) -> None:
    parser = study_parser(__doc__, seeds=1)
    parser.add_argument(
        "--networks",
        nargs="+",
        required=True,
        metavar="[SIDE@]NETWORK",
        help="side of the images, pixels, and what extracts; see extract_features.py",
    )
    parser.add_argument("--budget", type=int, default=1000)
    add_figures(parser)
    args: argparse.Namespace = parser.parse_args(argv)
    study = PolicyStudy(args.data, args.work_dir, args.networks, args.budget)
    conduct_packed(study, args)


if __name__ == "__main__":
    run_tool(main)
