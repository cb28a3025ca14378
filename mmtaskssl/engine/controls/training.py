"""Trainings of arms, each in a folder of its own, done once."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ...utils.atomic import write_json
from ...utils.families import NoResultYet, OutTaken, Unfinished
from ...utils.inputs import read_json, reading
from ..pretrain import pretrain
from ..pretrained import Pretrained
from .arms import Arm, fingerprint
from .kinds import RUN

_STATE, _BEFORE = "arm.json", "before"


@dataclass(frozen=True)
class ArmRuns:
    """Where the trainings of arms lie.

    Attributes:
        out: Holds ``ARM/seedN``.
        given: A training of the run itself from elsewhere; None: there is none.
    """

    out: Path
    given: Pretrained | None = None

    def train(
        self, arm: Arm, seed: int, log: Callable[[str], None], trust: bool
    ) -> None:
        """Trains an arm, unless that is done.

        Args:
            arm: Which.
            seed: Of the training.
            log: Receives a line.
            trust: See `pretrain`.

        Raises:
            UserError: The training failed, or another one lies there.
        """
        name = f"{arm.name} seed {seed}"
        if self._is_given(arm, seed):
            log(f"{name}: given, {self.given and self.given.checkpoint}")
            return
        if arm.before is not None:
            self._train(arm.before, seed, self._folder(arm, seed) / _BEFORE, trust)
        new = self._train(arm, seed, self._folder(arm, seed), trust)
        log(f"{name}: {'done' if new else 'done before'}")

    def network(self, arm: Arm, seed: int) -> tuple[Config, Path]:
        """Returns config and checkpoint of an arm that is trained.

        Args:
            arm: Which.
            seed: Of the training.

        Raises:
            UserError: It is not.
        """
        if self._is_given(arm, seed) and self.given and self.given.checkpoint:
            return self.given.config, Path(self.given.checkpoint)
        folder = self._folder(arm, seed)
        state = self._state(folder)
        if not state.get("checkpoint"):
            raise NoResultYet(
                f"{folder} holds no whole training: run the controls first"
            )
        return arm.config, folder / state["checkpoint"]

    def _folder(self, arm: Arm, seed: int) -> Path:
        return self.out / arm.name / f"seed{seed}"

    def _is_given(self, arm: Arm, seed: int) -> bool:
        if arm.name != RUN or self.given is None or self.given.checkpoint is None:
            return False
        own = (self.given.config.get("randomness") or {}).get("seed")
        return own == seed and Path(self.given.checkpoint).is_file()

    def _train(self, arm: Arm, seed: int, folder: Path, trust: bool) -> bool:
        """Returns whether there was anything to do."""
        own = fingerprint(arm)
        state = self._state(folder)
        if state and state["config_sha256"] != own:
            raise OutTaken(
                f"{folder} holds a training of other options or images: name another "
                "folder for the controls"
            )
        name = state.get("checkpoint")
        if name and (folder / name).is_file():
            return False
        write_json(folder / _STATE, {"config_sha256": own, "checkpoint": None})
        given = arm.arguments(seed)
        cfg = copy.deepcopy(given.pop("config"))
        if arm.before is not None:
            # All of it: heads and momentum encoder, too.
            before = folder / _BEFORE
            cfg.pop("weights", None)
            cfg.load_from = str(before / self._state(before)["checkpoint"])
        trained = pretrain(cfg, work_dir=folder, resume=True, trust=trust, **given)
        if trained.checkpoint is None:
            raise Unfinished(
                f"the training in {folder} left no checkpoint: give the config a "
                "CheckpointHook that saves the end"
            )
        found = {"config_sha256": own, "checkpoint": trained.checkpoint.name}
        write_json(folder / _STATE, found)
        return True

    def _state(self, folder: Path) -> dict[str, Any]:
        file = folder / _STATE
        with reading(file):
            return dict(read_json(file)) if file.is_file() else {}
