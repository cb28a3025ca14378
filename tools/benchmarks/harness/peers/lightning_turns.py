"""A Lightning training in turns, whoever builds its Trainer."""

from importlib.metadata import version

import pytorch_lightning as pl
import torch
from turns import Turns, count_parameters


class TurnsCallback(pl.Callback):
    """Tells the parent of each step, views and loading of the next one not begun."""

    def __init__(self, turns: Turns, package: str) -> None:
        self._turns, self._package = turns, package

    def on_train_start(self, trainer, pl_module) -> None:
        """Says what is there."""
        self._turns.ready(
            package=f"{self._package} {version(self._package)}",
            torch=torch.__version__,
            threads=torch.get_num_threads(),
            parameters=count_parameters(pl_module),
        )

    def on_train_batch_end(self, *args, **kwargs) -> None:
        """Says that a step is done."""
        self._turns.step_done()


def in_turns(package: str) -> None:
    """Makes every `Trainer.fit` of this process one in turns.

    Args:
        package: Whose version is told.
    """
    turns, fit = Turns(), pl.Trainer.fit

    def fit_in_turns(trainer, *args, **kwargs):
        trainer.callbacks.append(TurnsCallback(turns, package))
        return fit(trainer, *args, **kwargs)

    pl.Trainer.fit = fit_in_turns
