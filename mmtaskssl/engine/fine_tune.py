"""Picks between a few sub-nets by short fine-tunings of a detector."""

import contextlib
import dataclasses
import hashlib
import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..config.load import load_config
from ..export.bundle import write_bundle
from ..networks import Network
from ..routing.crops import TRAIN_LIST
from ..subnets import Subnet
from ..utils.atomic import write_text
from ..utils.families import BadValue, NoResultYet, TooFewImages
from ..utils.inputs import parse_json, read_text
from ..utils.redaction import redacted
from .pretrain import pretrain

PathLike = str | os.PathLike
_HELD_OUT = 0.2
# A fine-tuning that is interrupted loses a fifth of its iterations at most.
_CHECKPOINTS = 5


@dataclasses.dataclass(frozen=True)
class FineTuning:
    """Fine-tunes a detector on each of a few sub-nets, for `route`.

    Four fifths of the training list are trained on, the rest is measured on; the lists
    of validation and test images are not read. In this process, one after the other; a
    training that was finished before is not repeated, one that was interrupted goes on.

    Attributes:
        config: A config of configs/transfer/detection for the task, whose data sets
            take ``ann_file`` and whose backbone takes an export.
        folder: Gets exports, lists, runs and logs.
        top: Paths that are trained, beside MAX.
        iters: Iterations of each.
        trust: Load checkpoints that ``config`` names even if that runs code in them.

    Raises:
        UserError: ``top`` or ``iters`` is below 1.
    """

    config: PathLike
    folder: PathLike
    top: int = 3
    iters: int = 250
    trust: bool = False

    def __post_init__(self) -> None:
        if min(self.top, self.iters) < 1:
            raise BadValue("fine-tuning needs one path and one iteration at least")

    def describe(self) -> dict[str, Any]:
        """Returns what the results depend on, JSON-ready."""
        text = redacted(load_config(os.fspath(self.config)).dump())
        return {
            "config": Path(self.config).name,
            "config_sha256": hashlib.sha256(text.encode()).hexdigest(),
            "top": self.top,
            "iters": self.iters,
        }

    def compare(
        self,
        network: Network,
        subnets: Sequence[Subnet],
        target: PathLike,
        seed: int = 0,
        log: Callable[[str], None] = lambda text: None,
    ) -> list[dict[str, Any]]:
        """Fine-tunes and measures.

        Args:
            network: With the sub-nets.
            subnets: What to compare.
            target: Folder in VOC layout.
            seed: Of the inner split and of training.
            log: Takes a line of progress.

        Returns:
            ``{"subnet", "map"}`` for each, best first; mAP as the config's metric has
            it.

        Raises:
            UserError: Too few images, or a training that fails.
        """
        # What depends on something else lies elsewhere, so that nothing stale is read.
        name = f"{Path(self.config).stem}-{self.iters}i-seed{seed}"
        name += f"-{network.meta['checkpoint_sha256'][:12]}"
        folder, target = Path(self.folder).resolve() / name, Path(target).resolve()
        lists = _split(target, folder, seed)
        found = []
        for subnet in dict.fromkeys(subnets):
            run = folder / subnet.name
            done = read_map(run)
            if done is None:
                log(f"fine-tune {subnet}")
                export = folder / "exports" / subnet.name
                if not (export / "meta.json").is_file():
                    write_bundle(network, subnet, export.parent, network.meta)
                self._train(export, run, target, lists, seed)
                done = read_map(run)
            else:
                log(f"fine-tune {subnet}: done before")
            if done is None:
                raise NoResultYet(f"the training in {run} ended without an mAP")
            found.append({"subnet": subnet.name, "map": done})
        return sorted(found, key=lambda row: -row["map"])

    def _train(
        self, export: Path, run: Path, target: Path, lists: Sequence[Path], seed: int
    ) -> None:
        """Trains one sub-net, or goes on; what it prints goes into a file."""
        options = {
            "backbone": str(export),
            "data_root": f"{target}/",
            "train_dataloader.dataset.data_root": f"{target}/",
            "val_dataloader.dataset.data_root": f"{target}/",
            "train_dataloader.dataset.ann_file": str(lists[0]),
            "val_dataloader.dataset.ann_file": str(lists[1]),
            "max_iters": self.iters,  # shortens the warm-up, too
            "randomness.seed": seed,
            "train_cfg.val_interval": self.iters,
            "default_hooks.checkpoint.interval": max(1, self.iters // _CHECKPOINTS),
            "default_hooks.checkpoint.max_keep_ckpts": 1,
        }
        printed = run.parent / "logs" / f"{run.name}.log"
        printed.parent.mkdir(parents=True, exist_ok=True)
        with (
            open(printed, "a", encoding="utf-8") as file,
            contextlib.redirect_stdout(file),
            contextlib.redirect_stderr(file),
        ):
            pretrain(
                self.config,
                work_dir=run,
                resume=True,
                cfg_options=options,
                trust=self.trust,
            )

    def conclude(self, found: Sequence[Mapping[str, Any]], largest: Subnet) -> str:
        """Returns what the fine-tunings found, in a sentence.

        Args:
            found: As `compare` returns it.
            largest: The sub-net that is called MAX.
        """
        rows = ", ".join(
            f"{'MAX' if row['subnet'] == largest.name else row['subnet']} "
            f"{100 * row['map']:.1f}"
            for row in found
        )
        return (
            f"mAP on held-out training images after fine-tuning for {self.iters} "
            f"iterations: {rows}; the first is the answer, of one run each: small "
            "differences are noise"
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
        raise TooFewImages(
            f"{target / TRAIN_LIST} lists too few images for an inner split"
        )
    order = np.random.default_rng(seed).permutation(len(names))
    lists = (folder / "fit.txt", folder / "held-out.txt")
    for path, rows in zip(lists, (order[held_out:], order[:held_out]), strict=True):
        write_text(path, "".join(f"{names[i]}\n" for i in sorted(rows)))
    return lists
