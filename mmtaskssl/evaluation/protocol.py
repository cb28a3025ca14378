"""Runs an evaluation once, or over several few-shot draws, and reports it."""

import statistics
from collections.abc import Callable
from typing import Any

from torch import Tensor

from ..utils.errors import option
from ..utils.families import OptionConflict, OptionMissing
from .data import LabeledFeatures
from .metrics import classification_metrics
from .splits import sample_shots

#: (train, test, seed) -> scores (N, C) of the test rows, and facts worth reporting.
Method = Callable[
    [LabeledFeatures, LabeledFeatures, int], tuple[Tensor, dict[str, Any]]
]


def run_probe(
    method: Method,
    train: LabeledFeatures,
    test: LabeledFeatures,
    shots: int | None = None,
    seeds: int = 1,
) -> dict[str, Any]:
    """Scores the test rows and measures them, with mean and spread over draws.

    Args:
        method: Fits and scores.
        train: Fitted on, as a whole or ``shots`` rows a class.
        test: Measured on.
        shots: Training rows a class, drawn anew for each seed.
        seeds: Draws; without ``shots`` there is nothing to draw.

    Returns:
        JSON-ready: ``metrics`` (name -> mean, std, n; in percent), ``runs`` (one per
        seed), sizes and notes. The spread is the sample standard deviation over the
        draws, None for one draw.

    Raises:
        UserError: Shots of a task with several labels an image, a class with fewer
            images than shots, or seeds without shots.
    """
    if seeds < 1 or (seeds > 1 and shots is None):
        raise OptionMissing(
            f"{option('seeds')} draws the images of {option('shots')}: give both"
        )
    if shots is not None and train.y.dim() == 2:
        raise OptionConflict(
            f"{option('shots')} needs one label an image: draw the shots yourself"
        )
    runs = []
    for seed in range(seeds):
        part = train
        if shots is not None:
            rows = sample_shots(train.y, shots, seed, train.class_names)
            part = train.subset(rows)
        scores, facts = method(part, test, seed)
        metrics = classification_metrics(scores, test.y)
        runs.append({"seed": seed, "train_images": len(part.x), **facts, **metrics})
    metrics = {
        name: _summary([run[name] for run in runs])
        for name in classification_metrics(scores, test.y)
    }
    return {
        "metrics": metrics,
        "shots": shots,
        "train_images": len(train.x),
        "test_images": len(test.x),
        "classes": len(train.class_names),
        "dim": train.x.shape[1],
        "notes": [*train.notes, *test.notes],
        "runs": runs,
    }


def format_result(result: dict[str, Any]) -> str:
    """Returns the table that the tools print."""
    shots = f", {result['shots']} shots a class" if result["shots"] else ""
    lines = [
        f"{result['method']}: {result['train_images']:,} training images{shots}, "
        f"{result['test_images']:,} test images, {result['classes']} classes, "
        f"{result['dim']} features"
    ]
    for name, value in result["metrics"].items():
        spread = ""
        if value["std"] is not None:
            spread = f" +- {value['std']:.2f} (std over {value['n']} draws)"
        lines.append(f"  {name:<16}{value['mean']:7.2f} %{spread}")
    lines += [f"  note: {note}" for note in result["notes"]]
    return "\n".join(lines)


def _summary(values: list[float]) -> dict[str, Any]:
    spread = statistics.stdev(values) if len(values) > 1 else None
    return {"mean": statistics.fmean(values), "std": spread, "n": len(values)}
