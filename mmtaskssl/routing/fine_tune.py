"""Picks between a few sub-nets by short fine-tunings of a detector."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..export.bundle import write_bundle
from ..networks import Network
from ..subnets import Subnet
from ..utils.atomic import write_text
from ..utils.errors import UserError
from ..utils.inputs import parse_json, read_text
from ..utils.steps import Steps
from .crops import TRAIN_LIST

_HELD_OUT = 0.2


def fine_tune(
    source: Network,
    subnets: Sequence[Subnet],
    target: str | Path,
    config: str,
    folder: str | Path,
    iters: int,
    seed: int = 0,
    show: Callable[[str], None] = lambda text: None,
    trust: bool = False,
) -> list[dict[str, Any]]:
    """Fine-tunes a detector on each sub-net and measures it on an inner split.

    Four fifths of the training list are trained on, the rest is measured on; the lists
    of validation and test images are not read. A fine-tuning that was finished before
    is not repeated.

    Args:
        source: Backbone and checkpoint.
        subnets: What to compare.
        target: Folder in VOC layout.
        config: A config of configs/transfer/detection for it, whose data sets take
            ``ann_file`` and whose backbone takes an export.
        folder: Gets exports, lists, runs and logs.
        iters: Iterations of each.
        seed: Of the inner split and of training.
        show: Takes a line of progress.
        trust: Load checkpoints that ``config`` names even if that runs code in them.

    Returns:
        ``{"subnet", "map"}`` for each, best first; mAP as the config's metric has it.

    Raises:
        UserError: Too few images, or a training that fails.
    """
    # What depends on something else lies elsewhere, so that nothing stale is read.
    name = f"{Path(config).stem}-{iters}i-seed{seed}"
    name += f"-{source.meta['checkpoint_sha256'][:12]}"
    folder, target = Path(folder).resolve() / name, Path(target).resolve()
    lists = _split(target, folder, seed)
    steps = Steps(folder / "logs", show)
    found = []
    for subnet in dict.fromkeys(subnets):
        export = folder / "exports" / subnet.name
        if not (export / "meta.json").is_file():
            write_bundle(source.backbone, subnet, export.parent, source.meta)
        run = folder / subnet.name
        options = [
            f"backbone={export}",
            f"data_root={target}/",
            f"train_dataloader.dataset.data_root={target}/",
            f"val_dataloader.dataset.data_root={target}/",
            f"train_dataloader.dataset.ann_file={lists[0]}",
            f"val_dataloader.dataset.ann_file={lists[1]}",
            f"max_iters={iters}",  # shortens the warm-up, too
            f"train_cfg.val_interval={iters}",
            f"default_hooks.checkpoint.interval={iters}",
            f"randomness.seed={seed}",
        ]
        steps.run(
            f"fine-tune {subnet}",
            lambda run=run: read_map(run) is not None,
            "train",
            *(config, "--work-dir", run, *(["--trust-checkpoint"] if trust else [])),
            options=options,
        )
        found.append({"subnet": subnet.name, "map": read_map(run)})
    return sorted(found, key=lambda row: -row["map"])


def describe(found: Sequence[dict[str, Any]], iters: int, largest: Subnet) -> str:
    """Returns what the fine-tunings found, in a sentence.

    Args:
        found: As `fine_tune` returns it.
        iters: Iterations of each.
        largest: The sub-net that is called MAX.
    """
    rows = ", ".join(
        f"{'MAX' if row['subnet'] == largest.name else row['subnet']} "
        f"{100 * row['map']:.1f}"
        for row in found
    )
    return (
        f"mAP on held-out training images after fine-tuning for {iters} iterations: "
        f"{rows}; the first is the answer, of one run each: small differences are noise"
    )


def read_map(run: Path) -> float | None:
    """Returns the mAP that a run logged, which it does at its end; None before."""
    for path in sorted(Path(run).glob("*/vis_data/scalars.json"), reverse=True):
        for line in reversed(read_text(path).splitlines()):
            try:
                row = parse_json(line)
            except ValueError:  # the last line of a run that was interrupted
                continue
            value = next((v for k, v in row.items() if k.endswith("/mAP")), None)
            if value is not None:
                return 0.0 if math.isnan(value) else float(value)
    return None


def _split(target: Path, folder: Path, seed: int) -> tuple[Path, Path]:
    """Writes the lists of images to train on and to measure on."""
    names = read_text(target / TRAIN_LIST).split("\n")
    names = [line.split()[0] for line in names if line.strip()]
    held_out = round(_HELD_OUT * len(names))
    if held_out < 1:
        raise UserError(
            f"{target / TRAIN_LIST} lists too few images for an inner split"
        )
    order = np.random.default_rng(seed).permutation(len(names))
    lists = (folder / "fit.txt", folder / "held-out.txt")
    for path, rows in zip(lists, (order[held_out:], order[:held_out]), strict=True):
        write_text(path, "".join(f"{names[i]}\n" for i in sorted(rows)))
    return lists
