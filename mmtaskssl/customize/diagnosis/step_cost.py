"""What a step of a training takes, measured by a few of them."""

import dataclasses
import os
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ...config import load_config
from ...engine.pretrain import pretrain
from ...utils.apart import call_apart
from ...utils.atomic import write_json, write_text
from ...utils.inputs import read_json
from ...utils.peak import peak_bytes
from ...utils.steps import failure

#: Images that are measured on; a larger batch takes as many as it has.
IMAGES = 64
STEPS = 3
_FIGURES, _CONFIG = "figures.json", "config.py"


@dataclasses.dataclass(frozen=True)
class StepCost:
    """What a training takes on this machine.

    Attributes:
        seconds: Of a step, its images' reading included: the median of some, without
            the first.
        begin: Seconds before the second step: imports, the network, the first images.
        bytes: Peak of the process, resident; on a GPU the peak of its memory, too.
        checkpoint: Bytes of a checkpoint.
        batch: Images of a step.
    """

    seconds: float
    begin: float
    bytes: int
    checkpoint: int
    batch: int

    def of(self, iters: int) -> float:
        """Returns the seconds of a training of some iterations."""
        return self.begin + iters * self.seconds


def measure_step(
    config: str | os.PathLike | Config,
    images: Sequence[str | os.PathLike],
    *,
    cfg_options: Mapping[str, Any] | None = None,
    apart: bool = True,
) -> StepCost:
    """Trains a few steps in a process of their own, and measures them.

    Nothing stays behind.

    Args:
        config: Of a pre-training on files of images, see `pretrain`; its own images
            and selection give way to ``images``, unless they are clustered.
        images: Paths; the first 64 are taken, or a whole batch.
        cfg_options: Changes to the config.
        apart: Whether in a process of its own; else the peak is that of this process.

    Raises:
        UserError: The config cannot be trained; its own sentence.
    """
    cfg = load_config(config, dict(cfg_options or {}))
    batch = int(cfg.train_dataloader.batch_size)
    chosen = [os.path.abspath(path) for path in images[: max(IMAGES, batch)]]
    if cfg.get("clusters"):  # a path's batches need its own cluster's images
        chosen = []
    with tempfile.TemporaryDirectory(prefix="mmtaskssl-step-") as name:
        folder = Path(name)
        write_text(folder / _CONFIG, cfg.pretty_text)
        arguments = str(folder), chosen
        if not apart:
            train_some(*arguments)
        elif call_apart(train_some, arguments, {}, folder / "log"):
            raise failure("a step cannot be measured", folder / "log", named=False)
        return StepCost(**read_json(folder / _FIGURES), batch=batch)


def train_some(folder: str, images: Sequence[str]) -> None:
    """Trains the config in a folder for a few steps, and writes what they took.

    Args:
        folder: Receives all that is written.
        images: Paths; none: the config's own.
    """
    work_dir, begin = Path(folder, "work"), time.perf_counter()
    done = pretrain(
        Path(folder, _CONFIG),
        images=images or None,
        iters=STEPS,
        work_dir=work_dir,
        cfg_options={
            "default_hooks.logger.interval": 1,
            "log_processor.window_size": 1,
            "default_hooks.checkpoint.interval": STEPS,
        },
    )
    took = time.perf_counter() - begin
    steps = [float(row["time"]) for row in done.history if "loss" in row]
    assert done.checkpoint is not None
    write_json(
        Path(folder, _FIGURES),
        {
            "seconds": statistics.median(steps[1:]),
            "begin": max(0.0, took - sum(steps[1:])),
            "bytes": peak_bytes(),
            "checkpoint": os.path.getsize(done.checkpoint),
        },
    )
