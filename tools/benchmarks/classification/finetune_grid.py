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

from mmtaskssl.cli import kinds, options
from mmtaskssl.utils.errors import run_tool

_CONFIG = "transfer/classification/finetune_resnet50_1xb64-coslr-5k_public-224px.py"
_RANDOM = "random:"


def main(argv: Sequence[str] | None = None) -> None:
    args = make_parser().parse_args(argv)
    # Late, so that --help and wrong arguments answer at once.
    from mmtaskssl.datasets.transfer_sets import ELEVEN_SETS, TransferSet
    from mmtaskssl.engine.grid import FineTuneGrid, grid_table
    from mmtaskssl.utils.paths import resolve_config

    chosen = {
        key: getattr(args, key)
        for key in ("learning_rates", "weight_decays")
        if getattr(args, key)
    }
    grid = FineTuneGrid(
        args.export.removeprefix(_RANDOM),
        not args.export.startswith(_RANDOM),
        resolve_config(args.config),
        args.root,
        args.out,
        args.steps,
        **chosen,
        options=args.cfg_options,
        amp=args.amp,
        trust=args.trust_checkpoint,
        overwrite=args.overwrite,
        log=lambda text: print(text, flush=True),
    )
    sets = [TransferSet.read(name) for name in dict.fromkeys(args.sets or ELEVEN_SETS)]
    print(grid_table(grid.run(sets)))


def make_parser() -> argparse.ArgumentParser:
    parser = options.make_parser(__doc__)
    parser.add_argument("export", metavar="EXPORT_DIR | random:EXPORT_DIR")
    parser.add_argument("--root", required=True, help="folder that holds the sets")
    options.add_out(parser, "trainings and results")
    parser.add_argument("--sets", nargs="+", metavar="SET")
    parser.add_argument("--config", default=_CONFIG, help="default: %(default)s")
    parser.add_argument(
        "--steps", type=kinds.COUNT, default=5000, help="of each training"
    )
    parser.add_argument(
        "--learning-rates", type=kinds.POSITIVE, nargs="+", metavar="LR"
    )
    parser.add_argument(
        "--weight-decays",
        type=kinds.number(0),
        nargs="+",
        metavar="WD",
        help="each is divided by the learning rate",
    )
    parser.add_argument("--amp", action="store_true", help="mixed precision")
    options.add_max_pixels(parser)
    options.add_trust(parser)
    options.add_cfg_options(parser, "more options of --config")
    return parser


if __name__ == "__main__":
    run_tool(main)
