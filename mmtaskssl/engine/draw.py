"""Pictures of what a trained detector or segmentor finds."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..config import load_config
from ..utils.families import BadValue, ConfigUnsuited, FileMissing
from .isolation import isolated
from .run import test

_PICTURES = "*/vis_data/vis_image/*.png"


def draw_predictions(
    config: str | os.PathLike,
    checkpoint: str | os.PathLike,
    out: str | os.PathLike,
    *,
    number: int = 8,
    cfg_options: Mapping[str, Any] | None = None,
    trust: bool = False,
) -> list[Path]:
    """Draws predictions beside the annotations of the first test images.

    Args:
        config: Of mmdet or mmseg.
        checkpoint: Of a training with it.
        out: Receives the pictures, in a folder of the run's.
        number: Of images.
        cfg_options: See `load_config`.
        trust: Load it even if that runs code in it.

    Returns:
        The pictures.

    Raises:
        UserError: Nothing can be drawn.
    """
    if number < 1:
        raise BadValue(f"the number of images must be positive, not {number}")
    out = Path(out)
    with isolated():
        cfg = load_config(config, cfg_options)
        hook = (cfg.get("default_hooks") or {}).get("visualization")
        if hook is None or cfg.get("test_dataloader") is None:
            raise ConfigUnsuited(f"config {config} is of no detector or segmentor")
        hook.update(draw=True, interval=1)
        cfg.test_dataloader.dataset.indices = number
        cfg.test_evaluator = []  # a metric of a few images would mislead
        cfg.work_dir, cfg.launcher = str(out), "none"
        cfg.load_from, cfg.resume = os.fspath(checkpoint), False
        before = set(out.glob(_PICTURES))
        try:
            test(cfg, trust=trust)
        except FileNotFoundError as error:  # generated images, for one
            raise FileMissing(
                f"{error.filename} does not exist, so nothing can be drawn on it"
            ) from error
    pictures = sorted(set(out.glob(_PICTURES)) - before)
    if not pictures:
        raise ConfigUnsuited(f"config {config} draws nothing: see its vis_backends")
    return pictures
