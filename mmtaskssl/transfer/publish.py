"""Checkpoints to give away."""

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ..utils.atomic import atomic_path
from ..weights import load_state_dict, read_checkpoint

# What the hosts' inference reads beside the weights: the config and the classes.
_META = ("cfg", "dataset_meta")


def publish(
    checkpoint: str | Path, out: str | Path, trust: bool = False
) -> tuple[Path, int, int]:
    """Writes weights, config and classes of a checkpoint, with a hash in the name.

    Args:
        checkpoint: Of a training run.
        out: ``NAME.pth``; the file becomes ``NAME-<8 digits of its SHA-256>.pth``.
        trust: Run code in a checkpoint that cannot be read otherwise.

    Returns:
        The file, and the sizes before and after in bytes.

    Raises:
        UserError: No such checkpoint, or one that holds other objects.
    """
    out = Path(out)
    weights = load_state_dict(checkpoint, trust)
    read = read_checkpoint(checkpoint, trust)
    meta = read.get("meta") if isinstance(read.get("meta"), Mapping) else {}
    meta = {key: meta[key] for key in _META if key in meta and _is_plain(meta[key])}
    content = {"state_dict": weights, "meta": meta}
    file = io.BytesIO()  # not by way of ``out``, which may be the checkpoint
    torch.save(content, file)
    digest = hashlib.sha256(file.getbuffer()).hexdigest()[:8]
    final = out.with_name(f"{out.stem}-{digest}{out.suffix}")
    with atomic_path(final) as temporary:
        temporary.write_bytes(file.getbuffer())
    return final, Path(checkpoint).stat().st_size, final.stat().st_size


def _is_plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(map(_is_plain, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, str | int | float)
