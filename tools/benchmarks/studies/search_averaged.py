"""Whether scores of averaged weights rank sub-nets better than those of the last."""

from collections.abc import Sequence
from pathlib import Path

from mmtaskssl.utils.tables import head, row

from .search_choice import Found, column
from .search_design import AVERAGED, SearchDesign
from .search_ranks import partial

IMAGES = "own"
SHOWN = ("neighbours-teacher", "ridge-teacher", "global", "rank")
# Of the training, the first part, whose weights are not averaged.
_BEFORE = 0.8


class AveragedDesign(SearchDesign):
    """The first supernet once more, with the mean of its last weights beside them.

    Averaging draws nothing, so the training is the same, and accuracies of its last
    weights are known.
    """

    def averaged(self) -> Path:
        """Trains; returns the checkpoint of the averaged weights."""
        mean = {
            "type": "EMAHook",
            "ema_type": "StochasticWeightAverage",
            "begin_iter": int(_BEFORE * self.iters),
        }
        return self.pretrain(
            *(0, "averaged", "--teacher", self.teacher),
            config=self.training("averaged", {}, {"mean_of_weights": mean}),
        )


def averaged_table(study: SearchDesign, found: Sequence[Found]) -> str:
    """Returns Markdown: partial correlations on targets that pass the gate.

    Args:
        study: Has the scores of one supernet.
        found: One a measure of accuracy.
    """
    lines = []
    for one in found:
        for target in one.gated:
            rows = study.rows(0, AVERAGED, target)
            last = study.rows(0, f"score-{IMAGES}", target)
            truth = study.rows(0, "truth", target)
            if not {*one.names} <= {*rows} & {*last} & {*truth}:
                continue
            accuracy = column(truth, one.names, one.measure)
            cells = []
            for score in SHOWN:
                values = [
                    partial(column(kept, one.names, score), accuracy, one.rivals)
                    for kept in (last, rows)
                ]
                cells.append(" / ".join(f"{value:.2f}" for value in values))
            lines.append(row([target, one.measure, *cells]))
    if not lines:
        return ""
    return "\n".join(
        [
            "Scores of the last weights / of the mean of the last fifth of the "
            "training's: partial Spearman given log-MACs, depth and last width with "
            "the accuracies of the last, one supernet (seed 0), own images.",
            "",
            *head(["target", "accuracy", *SHOWN]),
            *lines,
        ]
    )
