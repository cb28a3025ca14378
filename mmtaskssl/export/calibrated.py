"""A network whose sub-nets have statistics of their own, in memory and as a file."""

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..networks import Network
from ..report.result import Result
from ..runs import check_version, locked
from ..subnets import Subnet
from ..utils.atomic import atomic_path
from ..utils.errors import UserError, option
from ..utils.families import OutForeign, OutTaken, SystemRefused
from ..weights import STATISTICS, load_state_dict, read_checkpoint

_VERSION = 1


@dataclasses.dataclass(frozen=True, eq=False)
class Calibrated(Result):
    """A network with batch-norm statistics of sub-nets.

    Attributes:
        network: It; `export`, `evaluate` and others take it.
        subnets: Those that have statistics of the images now.
        images: How many they were taken from.
        sample: What tells these images from any others; JSON-ready.
        source: Where the weights come from; JSON-ready.
    """

    network: Network
    subnets: tuple[Subnet, ...]
    images: int
    sample: Mapping[str, Any] = dataclasses.field(repr=False)
    source: Mapping[str, Any] = dataclasses.field(repr=False)

    def __len__(self) -> int:
        return len(self.subnets)

    def table(self) -> str:
        """Returns how many have statistics, of how many images."""
        return f"statistics of {len(self)} sub-nets from {self.images} images"

    def to_dict(self) -> dict[str, Any]:
        """Returns images, sub-nets, and where the weights come from."""
        names = [subnet.name for subnet in self.subnets]
        return {
            "calibration": {**self.sample, "subnets": names},
            "source": dict(self.source),
        }

    def save(self, folder: str | Path, overwrite: bool = False) -> Path:
        """Writes a checkpoint, weights and statistics, to be used in place of the old.

        Args:
            folder: The file, ``.pth``. One with the same weights and images is
                replaced; it had fewer sub-nets.
            overwrite: Replace a calibrated checkpoint of other weights or images.

        Returns:
            The file.

        Raises:
            UserError: Anything else stands there, or it cannot be written.
        """
        path = Path(folder)
        with locked(path):
            found = read_calibrated(path)
            if found is not None and not overwrite and not self._replaces(path):
                check_same(path, found, self.sample, self.source)
            content = {
                "state_dict": dict(self.network.state),
                "meta": {**self.to_dict(), "version": _VERSION},
            }
            try:
                with atomic_path(path) as temporary:
                    torch.save(content, temporary)
            except (OSError, RuntimeError) as error:  # torch's of a full disk
                raise SystemRefused(
                    f"cannot write {path} ({getattr(error, 'strerror', '') or error})"
                    ": nothing was lost there"
                ) from error
        return path

    def _replaces(self, path: Path) -> bool:
        """Whether a file is the one that these weights were read from."""
        return is_same_file(self.network.checkpoint, path)


def is_same_file(first: str | os.PathLike | None, second: str | os.PathLike) -> bool:
    """Whether two names are those of one file; one that was moved is none."""
    if first is None or not os.path.exists(first):
        return False
    return os.path.exists(second) and os.path.samefile(first, second)


def read_calibrated(path: str | Path) -> dict[str, Any] | None:
    """Returns the meta data of a calibrated checkpoint; None if there is no file.

    Raises:
        UserError: It is no calibrated checkpoint, or a newer version's.
    """
    if not Path(path).exists():
        return None
    try:
        meta = read_checkpoint(path, trust=False)["meta"]
        meta["calibration"]["subnets"], meta["source"]
    except (UserError, KeyError, TypeError) as error:
        raise OutForeign(
            f"{path} is no calibrated checkpoint, and is not replaced: name another "
            f"file{_with(option('out'))}"
        ) from error
    check_version(meta.get("version", 1), _VERSION, str(path))
    return meta


def check_same(
    path: str | Path,
    found: Mapping[str, Any],
    sample: Mapping[str, Any],
    source: Mapping[str, Any],
) -> None:
    """Refuses a calibrated checkpoint of other weights or images.

    Args:
        path: Its file.
        found: Its meta data.
        sample: The images that it should be of.
        source: The weights that it should be of.

    Raises:
        UserError: It is of others.
    """
    calibration = dict(found["calibration"])
    calibration.pop("subnets")
    different = [
        what
        for what, one, other in (
            ("images", calibration, sample),
            ("weights", found["source"], source),
        )
        if _text(one) != _text(other)
    ]
    if different:
        raise OutTaken(
            f"{path} exists and is of other {' and '.join(different)}: name another "
            f"file{_with(option('out'))}, or replace it with {option('overwrite')}"
        )


def statistics_in(path: str | Path, prefix: str) -> dict[str, Tensor]:
    """Returns the statistics that stand in a checkpoint, by name of the sub-net.

    Args:
        path: A calibrated checkpoint.
        prefix: Of the backbone's keys in it.
    """
    prefix += STATISTICS
    state = load_state_dict(path, trust=False)
    return {k[len(prefix) :]: v for k, v in state.items() if k.startswith(prefix)}


def _text(value: Any) -> str:
    """Makes values comparable with those that were read back."""
    return json.dumps(value, sort_keys=True)


def _with(flag: str) -> str:
    return f" with {flag}" if flag.startswith("--") else ""
