from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmtaskssl.engine.metrics import publish_metrics
from mmtaskssl.evaluation.label_free import DIRECTIONS
from mmtaskssl.evaluation.plateau import plateau
from mmtaskssl.registry import HOOKS
from mmtaskssl.report.curves import picture
from mmtaskssl.utils.atomic import write_text
from mmtaskssl.utils.families import BadConfigValue

#: What is published: the share of the judged curves that have levelled off.
ENOUGH = "enough"
FILE = "curves.svg"
_RULES = {**DIRECTIONS, "knn_top1": "greater"}
_STATE = "curves"


@HOOKS.register_module()
class CurvesHook(Hook):
    """Keeps the curves of all that is measured, and says when they have levelled off.

    Collects what other hooks publish (kNN, measures without labels). After each
    measurement it publishes ``enough``, the share of the judged curves that have
    levelled off by the rule of `plateau`, and it logs once at which step each had.
    ``EarlyStoppingHook(monitor="enough")`` ends the training when all have. At the end
    the first process draws all curves into the work dir's ``curves.svg``.

    The curves are in the checkpoint: a resumed training continues them.

    Args:
        judged: Kinds of metrics that ``enough`` is about; of sub-nets and targets each
            is a curve of its own. None: ``rankme``, ``lidar`` and ``knn_top1``, as far
            as they are measured.
        patience: See `plateau`.
        share: See `plateau`.

    Raises:
        UserError: A metric of which nobody knows which way is better.
    """

    # Before what measures, which may have something to make up for at the start.
    priority = "VERY_LOW"
    publishes_metrics = True

    def __init__(
        self,
        judged: Sequence[str] | None = None,
        patience: int = 3,
        share: float = 0.05,
    ) -> None:
        self.judged = ("rankme", "lidar", "knn_top1") if judged is None else judged
        for name in self.judged:
            if not _RULES.get(name):
                known = ", ".join(key for key, rule in _RULES.items() if rule)
                raise BadConfigValue(f"CurvesHook judges {known}, not {name!r}")
        if patience < 1 or share < 0:
            raise BadConfigValue(
                "CurvesHook needs a patience of 1 or more, a share from 0"
            )
        self.patience, self.share = patience, share
        self.curves: dict[str, dict[int, float]] = {}

    def before_train(self, runner: Runner) -> None:
        """Takes up the curves of a resumed training.

        Args:
            runner: Its message hub is read.
        """
        state = runner.message_hub.get_info(_STATE) or {}
        self.curves = {name: dict(points) for name, points in state.items()}
        self._said = {*self.levelled_off()}

    def after_metrics(
        self, runner: Runner, metrics: Mapping[str, float], epoch: int, iters: int
    ) -> None:
        """Adds what another hook has measured, and judges.

        Args:
            runner: Of the training.
            metrics: By name.
            epoch: Epochs done.
            iters: Iterations done.
        """
        if ENOUGH in metrics:
            return
        for name, value in metrics.items():
            self.curves.setdefault(name, {})[iters] = float(value)
        state = {name: [*points.items()] for name, points in self.curves.items()}
        runner.message_hub.update_info(_STATE, state)
        judged = [name for name in self.curves if _kind(name) in self.judged]
        if not judged:
            return
        found = self.levelled_off()
        for name in found.keys() - self._said:
            runner.logger.info(
                f"{name} has levelled off: {self.curves[name][found[name]]:.2f} at "
                f"iteration {found[name]} was enough"
            )
        self._said |= {*found}
        share = {ENOUGH: len(found) / len(judged)}
        runner.message_hub.update_scalar(f"val/{ENOUGH}", share[ENOUGH])
        runner.visualizer.add_scalars(share, step=iters)
        publish_metrics(runner, share, "curves", epoch, iters)

    def levelled_off(self) -> dict[str, int]:
        """Returns the judged curves that have levelled off, and the step of each."""
        found: dict[str, Any] = {
            name: plateau(
                sorted(points.items()), self.patience, self.share, _RULES[_kind(name)]
            )
            for name, points in self.curves.items()
            if _kind(name) in self.judged
        }
        return {name: step for name, step in found.items() if step is not None}

    def after_train(self, runner: Runner) -> None:
        """Draws the curves.

        Args:
            runner: Its work dir gets the picture.
        """
        if self.curves and is_main_process():
            lines = {
                name: sorted(points.items()) for name, points in self.curves.items()
            }
            write_text(Path(runner.work_dir, FILE), picture(lines))


def _kind(name: str) -> str:
    return name.rpartition("/")[2]
