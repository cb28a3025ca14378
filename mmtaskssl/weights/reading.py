"""Reads checkpoints that need not be trusted: no code in them is run."""

import contextlib
import contextvars
import os
import pickle
import pickletools
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from ..runs import check_listed
from ..utils.errors import UserError, option
from ..utils.families import (
    FileDamaged,
    FileMissing,
    PackageMissing,
    SystemRefused,
    UntrustedFile,
)
from ..utils.inputs import UnusableFile, check_regular
from . import plain_pickle
from .layouts import unwrap

MapLocation = str | torch.device | Callable | None

#: What ``trust=None`` means: what the tool's user said, see `guard.guarded`.
_trusted = contextvars.ContextVar("trust_checkpoint", default=False)


def say_trust() -> str:
    """Says how to trust a file, in the words that the reader can use."""
    return f"say so with {option('trust', '--trust-checkpoint')}"


@contextlib.contextmanager
def trusting(trust: bool) -> Iterator[None]:
    """Says what ``trust=None`` means within."""
    token = _trusted.set(trust)
    try:
        yield
    finally:
        _trusted.reset(token)


def load_state_dict(path: str | Path, trust: bool | None = None) -> dict[str, Tensor]:
    """Reads the weights of a checkpoint without running any code in it.

    Args:
        path: A ``.pth`` of mmengine or plain torch, a ``.safetensors`` file, or a
            pickle of arrays as detectron2 writes them.
        trust: Also load what needs code of the file to run, and run it; None: as the
            tool's ``--trust-checkpoint`` says.

    Returns:
        The weights, wherever in the file its authors put them (see `unwrap`), on the
        CPU.

    Raises:
        UserError: No such file, no checkpoint, or one that holds other objects.
    """
    content = read_checkpoint(path, trust)
    if not isinstance(content, Mapping):
        raise FileDamaged(f"{path} holds no state dict")
    weights, _ = unwrap(content)
    if not weights:
        raise FileDamaged(f"{path} holds no weights")
    return weights


def read_checkpoint(
    path: str | Path, trust: bool | None = None, map_location: MapLocation = "cpu"
) -> Any:
    """Reads all of a checkpoint: enough to resume a training of mmengine.

    Tensors, numbers, texts, arrays and mmengine's logs are read; whatever else a file
    may name is not looked up.

    Args:
        path: See `load_state_dict`, as for ``trust``.
        trust: Run code in the file.
        map_location: Device of the tensors, as `torch.load` takes it.

    Returns:
        What was saved. ``meta.config`` is left out of a file that is not trusted:
        mmengine's Runner would run that text as a config.

    Raises:
        UserError: No such file, one that cannot be read whole or is not what the record
            beside it says, or one that holds other objects.
    """
    path = Path(path)
    try:
        check_regular(path)
    except FileNotFoundError as error:
        raise FileMissing(f"checkpoint {path} does not exist") from error
    except UnusableFile as error:
        raise SystemRefused(f"checkpoint {path} cannot be read: {error}") from error
    except OSError as error:
        raise SystemRefused(
            f"cannot read checkpoint {path} ({error.strerror})"
        ) from error
    check_listed(path)
    if path.suffix == ".safetensors":
        return _load_safetensors(path, map_location)
    with open(path, "rb") as file:
        return read_open_checkpoint(file, str(path), trust, map_location)


def read_open_checkpoint(
    file: BinaryIO,
    name: str,
    trust: bool | None = None,
    map_location: MapLocation = "cpu",
) -> Any:
    """Reads an open checkpoint of torch, see `read_checkpoint`.

    Args:
        file: Can be sought in.
        name: For messages.
        trust: See `read_checkpoint`, as for the rest.
        map_location: Device of the tensors.
    """
    trust = _trusted.get() if trust is None else trust
    try:
        if _is_bare_pickle(file):
            return _read_pickle(file, trust)
        _check_archive(file, trust)
        if trust:
            return torch.serialization.load(file, map_location, weights_only=False)
        names = [(value, key) for key, value in plain_pickle.NAMES.items()]
        with torch.serialization.safe_globals(names):
            content = torch.serialization.load(file, map_location, weights_only=True)
        return _without_program(plain_pickle.real(content))
    except pickle.UnpicklingError as error:
        if not _is_pickle(file):
            raise FileDamaged(f"{name} is damaged or no checkpoint") from error
        what = _named_in(str(error))
        raise UntrustedFile(
            f"checkpoint {name} holds more than weights{what}, or is no checkpoint, "
            f"and was not loaded: if you trust its source, {say_trust()}"
        ) from error
    except UserError:
        raise
    except Exception as error:  # damaged files raise anything
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise FileDamaged(f"{name} is damaged or no checkpoint ({reason})") from error


def _is_bare_pickle(file: BinaryIO) -> bool:
    """Whether a file is a pickle that torch did not write: its own begin with a number.

    detectron2's are such.
    """
    file.seek(0)
    begin = file.read(64)
    file.seek(0)
    if not begin.startswith(b"\x80"):
        return False
    try:
        first = next(
            code.name
            for code, _, _ in pickletools.genops(begin)
            if code.name not in ("PROTO", "FRAME")
        )
    except (ValueError, StopIteration):
        return False
    return first in ("EMPTY_DICT", "GLOBAL", "MARK", "SHORT_BINUNICODE", "BINUNICODE")


def _read_pickle(file: BinaryIO, trust: bool) -> Any:
    """Reads it as data, which needs no trust; what is more than data, with trust."""
    try:
        return plain_pickle.load_data(file, "latin1")  # of Python 2, too
    except pickle.UnpicklingError:
        if not trust:
            raise
        file.seek(0)
        return pickle.load(file, encoding="latin1")


def _is_pickle(file: BinaryIO) -> bool:
    """Whether a file begins as torch's archives or pickles do."""
    file.seek(0)
    return file.read(2)[:1] in (b"P", b"\x80")


def _named_in(reason: str) -> str:
    found = re.search(r"GLOBAL ([\w.]+)", reason) or re.fullmatch(r"([\w.]+)", reason)
    return f" ({found[1]})" if found else ""


def _check_archive(file: BinaryIO, trust: bool) -> None:
    """Refuses archives that would grow, which torch's do not, and damaged ones."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if zipfile.is_zipfile(file):
        file.seek(0)
        with zipfile.ZipFile(file) as archive:
            whole = sum(part.file_size for part in archive.infolist())
            if whole > size and not trust:
                raise ValueError(
                    f"its {size:,} bytes would grow to {whole:,}: torch's files do not"
                )
            _check_parts(archive)
    file.seek(0)


def _check_parts(archive: zipfile.ZipFile) -> None:
    """Reads parts to their ends, where their checksums stand: torch looks at none."""
    for part in archive.infolist():
        if part.CRC:  # torch can be told to write none
            with archive.open(part) as content:
                while content.read(1 << 20):
                    pass


def _without_program(content: Any) -> Any:
    if isinstance(content, dict) and isinstance(content.get("meta"), dict):
        content["meta"].pop("config", None)
    return content


def _load_safetensors(path: Path, map_location: MapLocation) -> dict[str, Tensor]:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError as error:
        raise PackageMissing(
            f"reading {path} needs: pip install safetensors"
        ) from error
    try:
        weights = load_file(path)
    except (SafetensorError, OSError) as error:
        raise FileDamaged(f"{path} is damaged or no checkpoint ({error})") from error
    if map_location in (None, "cpu") or callable(map_location):
        return weights
    return {name: value.to(map_location) for name, value in weights.items()}


def read_part(path: str | Path, device: str | torch.device = "cpu") -> Tensor:
    """Reads a tensor that an interrupted run left, without running code in the file.

    Args:
        path: Of ours.
        device: Where to put it.

    Raises:
        UserError: It is damaged, or something else.
    """
    try:
        tensor = read_checkpoint(path, False, device)
    except UserError as error:
        raise FileDamaged(
            f"{path} is damaged, or no part of a run: delete it"
        ) from error
    if not isinstance(tensor, Tensor):
        raise FileDamaged(f"{path} holds no tensor: delete it")
    return tensor
