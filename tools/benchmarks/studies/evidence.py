"""What the evidence of all methods shares: its data, its folders, its results."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..utils import inputs
from ..utils.errors import UserError
from ..utils.options import add_pixel_option

#: Of every process that is timed, or that runs beside others.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class EvidenceFolder:
    """The images of an evidence run, and where it keeps what it finds.

    Args:
        data: Holds ``pool/images`` and ``classification/NAME/{train,test}/CLASS``.
        out: Working directory.
        targets: Names of folders in ``classification``; None: all.
        seeds: Number of repetitions.

    Raises:
        UserError: A folder of the data is missing.
    """

    def __init__(
        self, data: Path, out: Path, targets: Sequence[str] | None, seeds: int
    ) -> None:
        self.data, self.out, self.seeds = Path(data), Path(out), seeds
        self.pool = self.data / "pool" / "images"
        _check_folder(self.pool)
        if targets is None:
            all_targets = self.target_folder("")
            _check_folder(all_targets)
            targets = sorted(p.name for p in all_targets.iterdir() if p.is_dir())
        self.targets = list(targets)
        for name in self.targets:
            _check_folder(self.target_folder(name))

    def target_folder(self, name: str) -> Path:
        """Returns the folder of a target's images."""
        return self.data / "classification" / name

    def seed_folder(self, seed: int, *parts: str) -> Path:
        """Returns the folder of a repetition, or what is in it."""
        return self.out.joinpath(f"seed{seed}", *parts)


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise UserError(f"{folder} does not exist: --data names another folder")


def read_json(file: Path) -> Any:
    """Returns what an earlier step wrote; None if it has not run."""
    return inputs.read_json(file) if file.exists() else None


def evidence_parser(text: str | None, **defaults: Any) -> argparse.ArgumentParser:
    """Returns the command line that evidence scripts have in common.

    Args:
        text: Of ``--help``.
        **defaults: Of the options; without ``data`` it must be given.
    """
    parser = argparse.ArgumentParser(
        description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    needed = not defaults.get("data")
    parser.add_argument("--data", required=needed, metavar="DIR")
    parser.add_argument("--work-dir", required=True, metavar="OUT")
    add_pixel_option(parser)
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--tables-only", action="store_true", help="run nothing")
    parser.set_defaults(**{"seeds": 3, **defaults})
    return parser
