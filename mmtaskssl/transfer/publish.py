"""Checkpoints to give away."""

import hashlib
import os
from pathlib import Path

import torch

from ..features.checkpoint import load_state_dict
from ..utils.atomic import atomic_path


def publish(checkpoint: str | Path, out: str | Path) -> tuple[Path, int, int]:
    """Writes the weights of a checkpoint alone, with the file's hash in its name.

    Args:
        checkpoint: Of a training run; read without running code in it.
        out: ``NAME.pth``; the file becomes ``NAME-<8 digits of its SHA-256>.pth``.

    Returns:
        The file, and the sizes before and after in bytes.

    Raises:
        UserError: No such checkpoint, or one that holds other objects.
    """
    out = Path(out)
    weights = load_state_dict(checkpoint)
    content = {"state_dict": weights, "meta": {}}
    with atomic_path(out) as temporary:
        torch.save(content, temporary)
    digest = hashlib.sha256(out.read_bytes()).hexdigest()[:8]
    final = out.with_name(f"{out.stem}-{digest}{out.suffix}")
    os.replace(out, final)
    return final, Path(checkpoint).stat().st_size, final.stat().st_size
