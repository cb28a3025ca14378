"""Which pre-training helps which task? Every export, the same recipe.

    transfer_evidence.py --data DIR --work-dir OUT --exports NAME=EXPORT_DIR ...
        [--tasks bccd voc2007_small camvid] [--targets NAME ...] [--fine-tune]
        [--seeds N] [--control NAME] [--tables-only] [--cfg-options KEY=VALUE ...]

DIR holds detection/bccd, detection/voc2007_small, segmentation/camvid and
classification/TARGET/{train,test}/CLASS. For each task every backbone is fine-tuned by
the small config, nothing frozen, batch norms trained; of each target the features are
probed as they are (kNN, linear) and with --fine-tune the network is trained, too.
NAME=random:EXPORT_DIR takes an export's architecture untrained. EXPORT_DIR may hold
{seed} and {task} (task or target), for a pre-training of each seed or for each task.
A seed decides the new layers, the order and the flips of the images, and is the same
for all rows; differences to the row --control are paired by it.

Interrupted, it continues with the same command; the tables are in OUT/tables.md.
"""

import os
from collections.abc import Sequence

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

from mmtaskssl.utils.errors import run_tool
from studies.study import conduct, study_parser
from studies.transfer import Transfer
from studies.transfer_tasks import TASKS


def main(argv: Sequence[str] | None = None) -> None:
    parser = study_parser(__doc__)
    parser.add_argument("--exports", required=True, nargs="+", metavar="NAME=EXPORT")
    parser.add_argument("--tasks", nargs="*", choices=TASKS, default=list(TASKS))
    parser.add_argument("--targets", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--fine-tune", action="store_true", help="targets, too")
    parser.add_argument("--control", metavar="NAME", help="a row")
    parser.add_argument(
        "--cfg-options",
        nargs="+",
        default=[],
        metavar="KEY=VALUE",
        help="of the tasks' configs, the same for all rows",
    )
    args = parser.parse_args(argv)
    study = Transfer(
        *(args.data, args.work_dir, args.exports, args.tasks, args.targets),
        *(args.seeds, args.fine_tune, args.cfg_options, args.control),
    )
    conduct(study, args.tables_only)


if __name__ == "__main__":
    run_tool(main)
