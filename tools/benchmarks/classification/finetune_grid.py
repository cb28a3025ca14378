"""Fine-tunes an export on the public classification sets, each with its own settings.

finetune_grid.py EXPORT_DIR --root /data --out OUT [--sets aircraft cifar10 ...]

For each set 16 trainings (4 learning rates x 4 weight decays) on the training images
are judged on the validation images; the best pair is trained again on both and tested.
random:EXPORT_DIR trains the export's architecture from scratch. ROOT holds the sets'
official downloads, laid out as torchvision does; sets that are not there are skipped by
name. Interrupted, it continues with the same command; the table is in OUT/table.md.
"""

import argparse
from collections.abc import Sequence

from mmtaskssl.datasets.transfer_sets import ELEVEN_SETS, TransferSet
from mmtaskssl.transfer.grid import (
    LEARNING_RATES,
    WEIGHT_DECAYS,
    FineTuneGrid,
    grid_table,
)
from mmtaskssl.utils.errors import run_tool
from mmtaskssl.utils.options import add_pixel_option, add_trust_option
from mmtaskssl.utils.paths import resolve_config

_CONFIG = "transfer/classification/finetune_resnet50_1xb64-coslr-5k_public-224px.py"
_RANDOM = "random:"


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("export", metavar="EXPORT_DIR | random:EXPORT_DIR")
    parser.add_argument("--root", required=True, help="folder that holds the sets")
    parser.add_argument("--out", required=True, help="keeps trainings and results")
    parser.add_argument("--sets", nargs="+", default=ELEVEN_SETS, metavar="SET")
    parser.add_argument("--config", default=_CONFIG, help="default: %(default)s")
    parser.add_argument("--steps", type=int, default=5000, help="of each training")
    parser.add_argument(
        "--learning-rates", type=float, nargs="+", default=LEARNING_RATES, metavar="LR"
    )
    parser.add_argument(
        "--weight-decays",
        type=float,
        nargs="+",
        default=WEIGHT_DECAYS,
        metavar="WD",
        help="each is divided by the learning rate",
    )
    parser.add_argument("--amp", action="store_true", help="mixed precision")
    add_pixel_option(parser)
    add_trust_option(parser)
    parser.add_argument("--cfg-options", nargs="+", default=[], metavar="KEY=VALUE")
    args = parser.parse_args(argv)

    grid = FineTuneGrid(
        args.export.removeprefix(_RANDOM),
        not args.export.startswith(_RANDOM),
        resolve_config(args.config),
        args.root,
        args.out,
        args.steps,
        args.learning_rates,
        args.weight_decays,
        ["--amp"] * args.amp + ["--trust-checkpoint"] * args.trust_checkpoint,
        args.cfg_options,
        lambda text: print(text, flush=True),
    )
    sets = [TransferSet.read(name) for name in dict.fromkeys(args.sets)]
    print(grid_table(grid.run(sets)))


if __name__ == "__main__":
    run_tool(main)
