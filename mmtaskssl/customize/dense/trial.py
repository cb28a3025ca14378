"""Arms as backbones of a detector or a segmentor: short fine-tunings, once each."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ...export.export import export
from ...runs import State
from ...utils.atomic import write_text
from ...utils.inputs import read_json, reading
from ..arms.arm import Arm
from ..handover.host_config import host_config
from ..race.race import Race
from .counts import Counts, Matches, Overlaps

FINE_TUNED, COUNTS = "fine-tuned", "counts.json"


@dataclasses.dataclass(frozen=True)
class Trial:
    """Fine-tunes the networks of arms on the target, and tests them.

    Attributes:
        race: Has trained them; its folder gets ``fine-tuned/ARM``.
        iters: Of each fine-tuning; None: the recipe's.
    """

    race: Race
    iters: int | None = None

    def run(self, arms: Sequence[Arm], lengths: dict[str, int]) -> dict[str, Counts]:
        """Returns what each arm's model found on each test image.

        Args:
            arms: Whose pre-training is done.
            lengths: Of these, by arm.
        """
        steps = self.race.trainings.steps
        places = {}
        calls = []
        for arm in arms:
            config = self._config(arm, lengths.get(arm.name, 0))
            places[arm.name] = config.parent / COUNTS
            calls.append(
                lambda name=arm.name, config=config: steps.run(
                    f"fine-tune {config.parent.name}",
                    places[name],
                    "pretrain",
                    config,
                    *("--work-dir", config.parent / "run", "--resume"),
                )
            )
        steps.run_several(calls)
        detection = self.race.case.found.kind == "detection"
        kind: Any = Matches if detection else Overlaps
        found = {}
        for name, file in places.items():
            with reading(file):
                found[name] = kind.of_dict(read_json(file))
        return found

    def folder(self, arm: Arm, iters: int) -> Path:
        """Returns where an arm is fine-tuned, another one for another length of it."""
        length = "own" if self.iters is None else f"{self.iters}i"
        name = f"{self.race.name_of(arm, iters)}-tuned-{length}"
        return self.race.out / FINE_TUNED / name

    def _config(self, arm: Arm, iters: int) -> Path:
        """Writes the config of an arm's fine-tuning, which tests once, at its end."""
        folder = self.folder(arm, iters)
        file = folder / "counted.py"
        if file.is_file():
            return file
        folder.mkdir(parents=True, exist_ok=True)
        found, side = self.race.case.found, arm.serves(self.race.case).side
        (made,) = export(self.race.network(arm, iters), image_size=side)
        if made.work().state(folder / "backbone") is not State.COMPLETE:
            made.save(folder / "backbone")
        written = host_config(
            found.kind,
            folder / "backbone",
            found,
            out=folder,
            iters=self.iters,
            seed=self.race.seed,
        )
        cfg = Config.fromfile(written)
        cfg.val_evaluator = [cfg.val_evaluator, self._counting(cfg, folder)]
        cfg.train_cfg.val_interval = cfg.train_cfg.max_iters
        write_text(file, cfg.pretty_text)
        return file

    def _counting(self, cfg: Config, folder: Path) -> dict[str, Any]:
        out = str((folder / COUNTS).absolute())
        if self.race.case.found.kind == "detection":
            ann_file = cfg.val_evaluator["ann_file"]
            kind = "mmtaskssl.DetectionCounts"
            return {"type": kind, "ann_file": ann_file, "out_file": out}
        void = cfg.val_evaluator.get("ignore_index", 255)
        kind = "mmtaskssl.SegmentationCounts"
        return {"type": kind, "ignore_index": void, "out_file": out}
