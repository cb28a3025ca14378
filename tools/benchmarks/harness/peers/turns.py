"""A training that stops after each step until it is told to go on.

Imported by workers in environments of other packages: the standard library only.
"""

import json
import os
import sys
import time


class Turns:
    """The worker's side; the parent's is `harness.peers.worker.Worker`.

    The parent writes a number of steps on a line, or ``save`` and a path, and reads a
    line of JSON once that is done. What the training prints goes to standard error.

    Args:
        save: Writes the backbone's weights to a path.
    """

    def __init__(self, save=None) -> None:
        self._save = save
        self._answers = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)
        sys.stdout = sys.stderr
        self._left = 0
        self._begun = (0.0, 0.0)

    def ready(self, **facts: object) -> None:
        """Says that the first step may begin, and waits to be told.

        Args:
            **facts: What is worth knowing, such as versions.
        """
        self._say(facts)
        self._wait()

    def step_done(self) -> None:
        """To be called after every step; waits if it was the last of a turn."""
        self._left -= 1
        if self._left:
            return
        cpu, wall = self._begun
        self._say({"cpu": time.process_time() - cpu, "wall": time.monotonic() - wall})
        self._wait()

    def _say(self, value: dict) -> None:
        print(json.dumps(value), file=self._answers, flush=True)

    def _wait(self) -> None:
        line = sys.stdin.readline().strip()
        while line.startswith("save "):
            self._save(line[len("save ") :])
            self._say({})
            line = sys.stdin.readline().strip()
        if not line:
            # Nothing of a training that was cut short is worth an orderly end.
            os._exit(0)
        self._left = int(line)
        self._begun = (time.process_time(), time.monotonic())


def read_task() -> dict:
    """Returns what the parent wants, from the only argument: see `worker.Task`."""
    return json.loads(sys.argv[1])


def save_backbone(backbone, path: str) -> None:
    """Writes a torchvision-like backbone as a checkpoint of ours.

    Args:
        backbone: A module whose keys are those of torchvision's ResNets.
        path: The file.
    """
    import torch

    state = {f"backbone.{k}": v for k, v in backbone.state_dict().items()}
    torch.save({"state_dict": state}, path)


def count_parameters(model) -> int:
    """Returns how many numbers of a module are trained."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
