"""The one vocabulary of flags: a flag of this list means the same in every tool.

Each function adds one flag (or a set that belongs together) to a parser or to a group
of one; a tool takes those that it has a use for and says in ``help`` what is particular
to it. ``docs/flags.md`` lists them, and a test holds both together.
"""

import argparse
from collections.abc import Sequence
from typing import Any

from ..utils.devices import AUTO
from . import kinds
from .cfg_options import OptionsAction
from .parser import Renamed as Renamed
from .parser import make_parser as make_parser

Parser = argparse._ActionsContainer


def add_any_config(parser: Parser) -> None:
    """Adds ``config``, of this package or another one."""
    parser.add_argument(
        "config", help="path, or PACKAGE::PATH for a config inside a package"
    )


def add_network(
    parser: Parser, optional: bool = False, brings_weights: bool = False
) -> None:
    """Adds CONFIG and CKPT.

    Args:
        parser: Or a group of its arguments.
        optional: The tool can do without, or with one of them.
        brings_weights: CONFIG may be of a library, or an export, without CKPT.
    """
    nargs = "?" if optional else None
    parser.add_argument("config", nargs=nargs, metavar="CONFIG")
    parser.add_argument(
        "checkpoint",
        nargs="?" if brings_weights else nargs,
        metavar="CKPT",
        help="file, or 'random' (untrained)",
    )


def add_source(parser: Parser) -> None:
    """Adds ``--source``: which of the networks that a training has."""
    parser.add_argument(
        "--source",
        choices=("online", "ema"),
        default="online",
        help="the trained encoder or its moving average (default: online)",
    )


def add_cfg_options(parser: Parser, text: str = "override parts of CONFIG") -> None:
    """Adds ``--cfg-options``, a dictionary or None."""
    parser.add_argument(
        "--cfg-options",
        nargs="+",
        action=OptionsAction,
        metavar="KEY=VALUE",
        help=text,
    )


def add_trust(parser: Parser) -> None:
    """Adds ``--trust-checkpoint``."""
    parser.add_argument(
        "--trust-checkpoint",
        action="store_true",
        help="load a checkpoint that needs code in it to run",
    )


class _MaxPixels(argparse.Action):
    def __call__(
        self, parser: Any, namespace: Any, values: Any, option_string: Any = None
    ) -> None:
        from ..datasets.pixel_limit import set_max_pixels  # late: it imports torch

        set_max_pixels(values)
        setattr(namespace, self.dest, values)


def add_edited_selection(parser: Parser) -> None:
    """Adds ``--edited-selection``."""
    parser.add_argument(
        "--edited-selection",
        action="store_true",
        help="take the selection as it is now, though it was changed after it was "
        "written",
    )


def add_max_pixels(parser: Parser) -> None:
    """Adds ``--max-pixels``, which acts on all images that are read from then on."""
    parser.add_argument(
        "--max-pixels",
        action=_MaxPixels,
        type=kinds.COUNT,
        metavar="N",
        help="read images of up to N pixels (default: 128 million), judged from their "
        "headers",
    )


def add_device(parser: Parser, purpose: str = "") -> None:
    """Adds ``--device``, whose value is for `pick_device`.

    Args:
        parser: Or a group of its arguments.
        purpose: What it is for, where not for the whole tool.
    """
    text = "auto, cpu, cuda, cuda:1, ... (default: cuda if there is one, else cpu)"
    parser.add_argument(
        "--device", default=AUTO, help=f"{purpose}, {text}" if purpose else text
    )


def add_image_size(parser: Parser) -> None:
    """Adds ``--image-size``: side of the square that a network sees."""
    parser.add_argument(
        "--image-size", type=kinds.COUNT, help="default: the config's view size"
    )


def add_pool(parser: Parser) -> None:
    """Adds ``--pool``: a store, or images of which a network makes one."""
    parser.add_argument("--pool", required=True, metavar="STORE")


def add_pool_root(parser: Parser) -> None:
    """Adds ``--pool-root``, of tools that read a pool's store and its images."""
    parser.add_argument(
        "--pool-root", metavar="DIR", help="where the pool's images lie now"
    )


def add_no_report(parser: Parser) -> None:
    """Adds ``--no-report``."""
    parser.add_argument("--no-report", action="store_true", help="skip report.html")


def add_no_images(parser: Parser) -> None:
    """Adds ``--no-images``, whose value is ``thumbnails``."""
    parser.add_argument(
        "--no-images",
        action="store_false",
        dest="thumbnails",
        help="show no image in report.html, and no name beneath one",
    )


def add_images(parser: Parser, text: str = "", required: bool = False) -> None:
    """Adds ``--images`` and ``--root``: a source of images without labels.

    Args:
        parser: Or a group of its arguments.
        text: What they are for.
        required: Nothing can be done without.
    """
    kinds = "folder, tars (pool-{000..099}.tar), .parquet, .txt, .csv or .jsonl"
    parser.add_argument(
        "--images",
        required=required,
        metavar="SRC",
        help=f"{text}: {kinds}" if text else kinds,
    )
    parser.add_argument("--root", help="folder that listed paths are relative to")


def add_target(parser: Parser, text: str, required: bool = False) -> None:
    """Adds ``--target``: labelled images, DIR/{train,test}/CLASS/IMAGE.

    Args:
        parser: Or a group of its arguments.
        text: What is read of them.
        required: Nothing can be done without.
    """
    parser.add_argument("--target", required=required, metavar="DIR", help=text)


def add_out(
    parser: Parser, what: str, metavar: str = "DIR", required: bool = True
) -> None:
    """Adds ``--out`` and ``--overwrite``.

    Args:
        parser: Or a group of its arguments.
        what: What is written there, such as "clusters".
        metavar: What stands for it in the usage.
        required: Without it, nothing is written.
    """
    parser.add_argument(
        "--out", required=required, metavar=metavar, help=f"receives {what}"
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace earlier work of this kind there; anything else never is",
    )


def add_overwrite(parser: Parser) -> None:
    """Adds ``--overwrite`` for files that do not say whose they are."""
    parser.add_argument(
        "--overwrite", action="store_true", help="replace a file that stands there"
    )


def add_json(parser: Parser) -> None:
    """Adds ``--json``: the result as a file."""
    parser.add_argument("--json", metavar="OUT", help="also write the result here")


def add_subnets(parser: Parser, text: str = "names, or anchors such as MAX") -> None:
    """Adds ``--subnet``: sub-nets by their names."""
    parser.add_argument("--subnet", nargs="+", metavar="NAME", help=text)


def add_seed(parser: Parser, of: str, default: int = 0) -> None:
    """Adds ``--seed``.

    Args:
        parser: Or a group of its arguments.
        of: What is drawn with it.
        default: Without the flag.
    """
    parser.add_argument("--seed", type=kinds.SEED, default=default, help=f"of {of}")


def add_batch_size(parser: Parser, default: int) -> None:
    """Adds ``--batch-size``: images that a network sees at once."""
    parser.add_argument(
        "--batch-size",
        type=kinds.COUNT,
        default=default,
        metavar="N",
        help="images at once (default: %(default)s)",
    )


def add_workers(parser: Parser) -> None:
    """Adds ``--workers``: processes that read images."""
    parser.add_argument(
        "--workers",
        type=kinds.PROCESSES,
        metavar="N",
        help="processes that read images (default: by the number of cores)",
    )


def add_launcher(
    parser: Parser, choices: Sequence[str] = ("none", "pytorch", "slurm", "mpi")
) -> None:
    """Adds ``--launcher``: how several processes were started."""
    parser.add_argument("--launcher", choices=choices, default="none")


def add_local_rank(parser: Parser) -> None:
    """Adds ``--local_rank``, which `torch.distributed.launch` passes.

    torchrun sets the environment's LOCAL_RANK itself.
    """
    parser.add_argument(
        *("--local_rank", "--local-rank"),
        type=kinds.whole(0),
        default=0,
        help=argparse.SUPPRESS,
    )


def add_knn(parser: Parser) -> None:
    """Adds ``-k`` and ``--temperature`` of weighted kNN."""
    parser.add_argument("-k", type=kinds.COUNT, default=20, help="neighbours")
    parser.add_argument(
        *("-T", "--temperature"),
        type=kinds.POSITIVE,
        default=0.07,
        help="of their votes",
    )


def add_weight_decays(parser: Parser) -> None:
    """Adds ``--weight-decays`` of logistic regression; None: its own grid."""
    parser.add_argument(
        "--weight-decays",
        type=kinds.POSITIVE,
        nargs="+",
        help="grid to choose from (default: 1e-7 to 100)",
    )
