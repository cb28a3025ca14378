import sys
from collections.abc import Mapping
from typing import Any

from mmengine.hooks import EarlyStoppingHook as _EarlyStoppingHook
from mmengine.runner import Runner

from mmtaskssl.engine.metrics import check_source, select_metrics
from mmtaskssl.evaluation.label_free import DIRECTIONS
from mmtaskssl.registry import HOOKS

from .curves import ENOUGH


@HOOKS.register_module()
class EarlyStoppingHook(_EarlyStoppingHook):
    """mmengine's hook, for metrics of a validation loop and of hooks that measure.

    What it has seen is kept in the checkpoint: a resumed training ends where it would
    have ended in one go. The arguments are mmengine's; ``monitor="enough"`` needs no
    others: it ends the training when all curves of `CurvesHook` have levelled off.
    """

    # Before the checkpoint's hook, which may write again what was decided here.
    priority = "LOW"

    def __init__(self, monitor: str, **kwargs: Any) -> None:
        kind = monitor.rpartition("/")[2]
        if kind == ENOUGH:  # waits until all have, however long none more does
            given = {"rule": "greater", "stopping_threshold": 1 - 1e-6}
            kwargs = {**given, "patience": sys.maxsize, **kwargs}
        elif DIRECTIONS.get(kind):
            kwargs.setdefault("rule", DIRECTIONS[kind])
        super().__init__(monitor, **kwargs)

    def before_train(self, runner: Runner) -> None:
        """Takes up what a resumed training had seen.

        Args:
            runner: Its message hub is read.

        Raises:
            UserError: Nothing is measured.
        """
        check_source(runner, "EarlyStoppingHook", self.monitor)
        state = runner.message_hub.get_info(self._key)
        if state is None:
            return
        self.wait_count, self.best_score = int(state[0]), float(state[1])
        threshold, compare = self.stopping_threshold, self.rule_map[self.rule]
        reached = threshold is not None and compare(self.best_score, threshold)
        if reached or self.wait_count >= self.patience:
            runner.train_loop.stop_training = True
            runner.logger.info(
                f"this training has stopped early: {self.monitor} was "
                f"{self.best_score:.3f} at best"
            )

    def after_metrics(
        self, runner: Runner, metrics: Mapping[str, float], **_: Any
    ) -> None:
        """Decides by what another hook has measured.

        Args:
            runner: Its loop may be stopped.
            metrics: By name.

        Raises:
            UserError: The monitored one is not among them, and will never be.
        """
        names = [self.monitor]
        if not select_metrics(runner, "EarlyStoppingHook", names, metrics):
            return
        super().after_val_epoch(runner, metrics)
        state = [self.wait_count, float(self.best_score)]
        runner.message_hub.update_info(self._key, state)

    def after_val_epoch(
        self, runner: Runner, metrics: Mapping[str, float] | None = None
    ) -> None:
        """Decides by what the validation has measured.

        Args:
            runner: Its loop may be stopped.
            metrics: By name.

        Raises:
            UserError: The monitored one is not among them, and will never be.
        """
        self.after_metrics(runner, metrics or {})

    @property
    def _key(self) -> str:
        return f"early_stopping_{self.monitor}"
