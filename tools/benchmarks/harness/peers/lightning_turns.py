"""A Lightning training in turns, whoever builds its Trainer."""

from collections.abc import Callable
from importlib.metadata import version

import pytorch_lightning as pl
import torch
from turns import Turns, count_parameters, save_backbone


class TurnsCallback(pl.Callback):
    """Tells the parent of each step, views and loading of the next one not begun."""

    def __init__(self, package: str, backbone: Callable) -> None:
        self._package, self._backbone = package, backbone
        self._turns, self._module = Turns(self._save), None

    def _save(self, path: str) -> None:
        save_backbone(self._backbone(self._module), path)

    def on_train_start(self, trainer, pl_module) -> None:
        """Says what is there."""
        self._module = pl_module
        self._turns.ready(
            package=f"{self._package} {version(self._package)}",
            torch=torch.__version__,
            threads=torch.get_num_threads(),
            parameters=count_parameters(pl_module),
        )

    def on_train_batch_end(self, *args, **kwargs) -> None:
        """Says that a step is done."""
        self._turns.step_done()


def in_turns(package: str, backbone: Callable) -> None:
    """Makes every `Trainer.fit` of this process one in turns.

    Args:
        package: Whose version is told.
        backbone: Returns that of the module that is trained.
    """
    callback, fit = TurnsCallback(package, backbone), pl.Trainer.fit

    def fit_in_turns(trainer, *args, **kwargs):
        trainer.callbacks.append(callback)
        return fit(trainer, *args, **kwargs)

    pl.Trainer.fit = fit_in_turns
