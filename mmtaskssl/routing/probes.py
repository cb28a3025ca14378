"""Scores of features on labelled images, and how sure they are."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..evaluation.knn import weighted_knn
from ..evaluation.linear import fit_linear
from ..evaluation.logme import logme
from ..evaluation.splits import stratified_folds
from ..utils.errors import option
from ..utils.families import TargetTooSmall, UnknownName
from .names import PROBES

FOLDS = 5
_RESAMPLES = 2000
_LOW, _HIGH = 0.025, 0.975
_NORMAL = 1.959964
# A narrow grid: the probe is fitted for every path and fold.
_WEIGHT_DECAYS = (1.0, 0.1, 0.01)


@dataclass(frozen=True)
class Interval:
    """A score and its 95 % interval, in the unit of the probe."""

    score: float
    low: float
    high: float


class Evidence:
    """What is known of candidates on the same images.

    Kept as replicates: for kNN and linear classification, and for overlap, one value
    per image, whose mean is the score; for LogME, which is no mean, the score without
    each fold.

    Args:
        scores: (P,) one per candidate.
        values: (P, N) one per image, of which the score is the mean; or None.
        without: (P, folds) scores without each fold; or None.
        seed: Of the resamples.
    """

    def __init__(
        self,
        scores: Tensor,
        values: Tensor | None = None,
        without: Tensor | None = None,
        seed: int = 0,
    ):
        self.scores = scores.double()
        self._without = without
        self._resampled = None
        if values is not None:
            values = values.double()
            generator = torch.Generator().manual_seed(seed)
            n = values.shape[1]
            drawn = torch.randint(n, (_RESAMPLES, n), generator=generator)
            weight = torch.zeros(_RESAMPLES, n, dtype=torch.float64)
            weight.scatter_add_(1, drawn, torch.ones_like(weight))
            self._resampled = values @ weight.T / n  # (P, resamples)

    def interval(self, candidate: int) -> Interval:
        """Returns the score of a candidate with its interval."""
        resampled = None if self._resampled is None else self._resampled[candidate]
        without = None if self._without is None else self._without[candidate]
        return _interval(float(self.scores[candidate]), resampled, without)

    def margin(self, first: int, second: int) -> Interval:
        """Returns how much better one candidate is than another.

        Both are resampled together, because they have seen the same images: intervals
        of two scores may overlap although the difference is certain.
        """
        resampled = without = None
        if self._resampled is not None:
            resampled = self._resampled[first] - self._resampled[second]
        if self._without is not None:
            without = self._without[first] - self._without[second]
        score = float(self.scores[first] - self.scores[second])
        return _interval(score, resampled, without)

    def error(self, first: int, second: int) -> float:
        """Returns the standard error of the margin of one candidate over another."""
        if self._resampled is not None:
            return float((self._resampled[first] - self._resampled[second]).std())
        assert self._without is not None
        return _jackknife_error(self._without[first] - self._without[second])

    def tied(self, first: int, second: int) -> bool:
        """Whether the margin's interval holds zero."""
        margin = self.margin(first, second)
        return margin.low <= 0 <= margin.high


def _interval(
    score: float, resampled: Tensor | None, without: Tensor | None
) -> Interval:
    if resampled is not None:  # the percentile bootstrap
        ends = torch.quantile(resampled, torch.tensor([_LOW, _HIGH]).double())
        return Interval(score, *ends.tolist())
    half = _NORMAL * _jackknife_error(without)
    return Interval(score, score - half, score + half)


def _jackknife_error(without: Tensor) -> float:
    """Returns a score's standard error from those without each fold.

    The delete-a-group jackknife (Efron and Tibshirani, 1993, section 11.5): copies of
    an image, which a bootstrap draws, would raise the evidence.
    """
    folds = len(without)
    spread = (without - without.mean()).square().sum().item() * (folds - 1) / folds
    return math.sqrt(spread)


def probe_features(
    features: Sequence[Tensor],
    y: Tensor,
    num_classes: int,
    probe: str = "knn",
    seed: int = 0,
    k: int = 20,
    temperature: float = 0.07,
    progress: Callable[[int], None] | None = None,
) -> Evidence:
    """Scores candidates on the training images of a task by an inner split.

    Every image is classified by the others: those of the four other of five parts with
    the same share of each class. All candidates have the same parts.

    Args:
        features: (N, D) of each candidate.
        y: (N,) class indices.
        num_classes: C.
        probe: "knn" (weighted, accuracy 0..1), "linear" (logistic regression,
            accuracy at the best of three weight decays), "logme" (see `logme`; on all
            images).
        seed: Of the parts and of the resamples.
        k: Neighbours.
        temperature: Of their votes.
        progress: Called with the number of candidates done.

    Raises:
        UserError: Unknown probe, or no class with two images.
    """
    folds = inner_folds(y, seed)
    if probe == "logme":
        rows = torch.cat(folds).sort().values
        kept = [rows[~torch.isin(rows, fold)] for fold in folds]
        table = []
        for number, x in enumerate(features, 1):
            x = torch.nn.functional.normalize(x.float(), dim=1)
            table.append([logme(x[r], y[r], num_classes) for r in (rows, *kept)])
            if progress:
                progress(number)
        table = torch.tensor(table, dtype=torch.float64)
        return Evidence(table[:, 0], without=table[:, 1:], seed=seed)
    if probe not in PROBES:
        raise UnknownName(f"probe {probe!r} is none of {', '.join(PROBES)}")
    right = []
    for number, x in enumerate(features, 1):
        x = torch.nn.functional.normalize(x.float(), dim=1)
        right.append(_out_of_fold(x, y, num_classes, folds, probe, k, temperature))
        if progress:
            progress(number)
    right = torch.stack(right).double()
    return Evidence(right.mean(dim=1), values=right, seed=seed)


def inner_folds(y: Tensor, seed: int) -> list[Tensor]:
    """Returns the rows of each part of the inner split.

    Raises:
        UserError: No class has two images.
    """
    folds = stratified_folds(y, FOLDS, seed)
    if len(folds) < 2 or len(y.unique()) < 2:
        raise TargetTooSmall(
            "routing by labels needs two classes and two training images a class at "
            f"least: take {option('router')} overlap, which needs no labels"
        )
    return folds


def _out_of_fold(
    x: Tensor,
    y: Tensor,
    num_classes: int,
    folds: Sequence[Tensor],
    probe: str,
    k: int,
    temperature: float,
) -> Tensor:
    """Returns, in the order of the folds, whether each row is classified rightly."""
    right: list[list[Tensor]] = []
    for held_out in folds:
        rest = torch.cat([fold for fold in folds if fold is not held_out])
        if probe == "knn":
            found = [
                weighted_knn(x[rest], y[rest], x[held_out], num_classes, k, temperature)
            ]
        else:
            found, model = [], None
            for decay in _WEIGHT_DECAYS:
                model = fit_linear(
                    x[rest], y[rest], num_classes, decay, model, tolerance=1e-4
                )
                found.append(model.scores(x[held_out]))
        right.append([scores.argmax(dim=1) == y[held_out] for scores in found])
    columns = [torch.cat(column) for column in zip(*right, strict=True)]
    return max(columns, key=lambda column: int(column.sum()))
