"""Logistic regression on frozen features, its weight decay chosen on the inside."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..utils.families import BadValue, NotFinite, ShapeMismatch, TooFewImages
from ..utils.threads import one_thread
from .metrics import multilabel_map, top1
from .splits import stratified_folds

#: Tried from strong to weak, each fit starting at the one before.
WEIGHT_DECAYS = tuple(10.0**power for power in range(2, -8, -1))
# Double precision up to a copy of 512 MiB; larger sets are fitted in single.
_DOUBLE_VALUES = 2**26
# Of so few values each step is too short for several threads.
_ONE_THREAD_VALUES = 500_000
# Rows at once, so that their scores stay small beside the features.
_CHUNK = 16384
# Log odds of what all rows say.
_CERTAIN = 15.0
# Larger sets need no cross-validation to tell two weight decays apart.
_CROSS_VALIDATED_ROWS = 20_000


@dataclass(frozen=True)
class LinearClassifier:
    """A fitted classifier.

    Attributes:
        weight: (C, D), for standardised features.
        bias: (C,).
        mean: (D,) of the training features.
        scale: (D,) standard deviation of the training features.
        weight_decay: The one it was fitted with.
    """

    weight: Tensor
    bias: Tensor
    mean: Tensor
    scale: Tensor
    weight_decay: float

    def scores(self, x: Tensor) -> Tensor:
        """Returns (N, C) logits of (N, D) features."""
        parts = [
            (part.to(self.mean.dtype) - self.mean) / self.scale @ self.weight.T
            + self.bias
            for part in x.split(_CHUNK)
        ]
        return torch.cat(parts)


def fit_linear(
    x: Tensor,
    y: Tensor,
    num_classes: int,
    weight_decay: float,
    start: LinearClassifier | None = None,
    max_iter: int = 1000,
    tolerance: float = 1e-6,
) -> LinearClassifier:
    """Fits one logistic regression by full-batch L-BFGS.

    Features are standardised (mean 0, standard deviation 1 over the training rows;
    constant ones become 0), so that one grid of weight decays serves any network.
    Minimises the mean cross-entropy plus ``weight_decay / 2`` times the squared
    weights, biases free; scikit-learn's ``C`` is ``1 / (weight_decay * rows)``. With
    several labels a row, the cross-entropy is the sum of each class's own binary one
    over the rows whose label is not left open; a class that all rows have, or none,
    is taken to be certain.

    Args:
        x: (N, D) features.
        y: (N,) class indices or (N, C) zero-one labels, negative where left open.
        num_classes: C.
        weight_decay: Above 0.
        start: A classifier of the same rows to begin at.
        max_iter: L-BFGS iterations.
        tolerance: Ends when no component of the gradient is larger.

    Returns:
        The classifier.
    """
    double = x.numel() <= _DOUBLE_VALUES and x.device.type != "mps"
    dtype = torch.float64 if double else torch.float32
    x = x.to(dtype)
    mean = x.mean(dim=0)
    scale = x.std(dim=0, correction=0)
    # A constant feature has a deviation of rounding errors: it must not be blown up.
    scale = torch.where(scale > 1e-6 * (mean.abs() + 1e-6), scale, torch.inf)
    x = (x - mean) / scale
    parameters = x.new_zeros(num_classes, x.shape[1] + 1)
    if start is not None:
        parameters.copy_(torch.cat([start.weight, start.bias[:, None]], dim=1))
    settled = _settled(y)
    if start is None and settled is not None:
        # Their bias would grow for ever: nothing holds it.
        parameters[:, -1] = settled.to(dtype) * _CERTAIN
    parameters.requires_grad_()
    optimizer = torch.optim.LBFGS(
        [parameters],
        max_iter=max_iter,
        max_eval=2 * max_iter,
        tolerance_grad=tolerance,
        # Near its minimum the loss falls with the square of the gradient.
        tolerance_change=tolerance**2,
        history_size=20,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        loss, parameters.grad = _loss_and_gradient(
            parameters.detach(), x, y, weight_decay
        )
        if settled is not None:
            parameters.grad[settled != 0] = 0
        return loss

    with one_thread(x.numel() <= _ONE_THREAD_VALUES):
        optimizer.step(closure)
    weight, bias = parameters.detach().split([x.shape[1], 1], dim=1)
    return LinearClassifier(weight, bias.squeeze(1), mean, scale, weight_decay)


def _settled(y: Tensor) -> Tensor | None:
    """Returns (C,) 1 for classes that all rows have, -1 for those of none, else 0."""
    if y.dim() == 1:
        return None
    known, have = (y >= 0).sum(0), (y > 0).sum(0)
    found = (have == known).to(y.dtype) - (have == 0).to(y.dtype)
    return found if bool(found.any()) else None


def _loss_and_gradient(
    parameters: Tensor, x: Tensor, y: Tensor, weight_decay: float
) -> tuple[Tensor, Tensor]:
    """The gradient in closed form: no graph, a chunk of rows at a time."""
    weight, bias = parameters[:, :-1], parameters[:, -1]
    loss = 0.5 * weight_decay * weight.square().sum()
    gradient = torch.zeros_like(parameters)
    gradient[:, :-1] = weight_decay * weight
    for part, label in zip(x.split(_CHUNK), y.split(_CHUNK), strict=True):
        logits = part @ weight.T + bias
        if label.dim() == 2:
            target = label.to(logits.dtype)
            loss = loss + _binary_cross_entropy(logits, target) / len(x)
            error = (logits.sigmoid() - target) * (target >= 0) / len(x)
        else:
            loss = loss + F.cross_entropy(logits, label, reduction="sum") / len(x)
            error = logits.softmax(dim=1) / len(x)
            error[torch.arange(len(label), device=label.device), label] -= 1 / len(x)
        gradient[:, :-1] += error.T @ part
        gradient[:, -1] += error.sum(dim=0)
    return loss, gradient


def _binary_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Returns the sum over the labels that are not left open."""
    known = (target >= 0).to(logits.dtype)
    return F.binary_cross_entropy_with_logits(
        logits, target.clamp_min(0), weight=known, reduction="sum"
    )


def linear_probe(
    x: Tensor,
    y: Tensor,
    num_classes: int,
    weight_decays: Sequence[float] = WEIGHT_DECAYS,
    seed: int = 0,
) -> LinearClassifier:
    """Fits a logistic regression whose weight decay is chosen on the training rows.

    Each weight decay is fitted on four fifths of the rows and judged on the rest, in
    turn on each of five parts with the same share of every class (on one part only
    above 20,000 rows). The one that is right most often (multi-label: of the highest
    mAP), and among equals the one of the lowest cross-entropy, is fitted again on all
    rows. No test row takes part.

    Args:
        x: (N, D) features.
        y: (N,) class indices or (N, C) zero-one labels.
        num_classes: C.
        weight_decays: The grid.
        seed: Draws the parts.

    Returns:
        The classifier.

    Raises:
        UserError: Fewer than two rows or classes, features that are not finite, or
            a grid without values above 0.
    """
    _check(x, y, num_classes, weight_decays)
    grid = sorted(weight_decays, reverse=True)
    folds = stratified_folds(y, 5, seed)
    if len(x) > _CROSS_VALIDATED_ROWS:
        folds = folds[:1]
    chosen = grid[0]
    if len(grid) > 1 and folds:
        quality = [(0.0, 0.0)] * len(grid)
        for held_out in folds:
            rest = torch.ones(len(x), dtype=torch.bool, device=x.device)
            rest[held_out] = False
            found = try_grid(
                (x[rest], y[rest]), (x[held_out], y[held_out]), num_classes, grid
            )
            quality = [
                (a + c, b + d) for (a, b), (c, d) in zip(quality, found, strict=True)
            ]
        chosen = grid[max(range(len(grid)), key=lambda i: quality[i])]
    elif not folds:  # one image a class: nothing can be held out
        chosen = min(grid, key=lambda value: abs(value - 1.0))
    return fit_linear(x, y, num_classes, chosen)


def try_grid(
    train: tuple[Tensor, Tensor],
    held_out: tuple[Tensor, Tensor],
    num_classes: int,
    weight_decays: Sequence[float],
    quality: Callable[[Tensor, Tensor], float] | None = None,
) -> list[tuple[float, float]]:
    """Judges a classifier of each weight decay on rows that it was not fitted to.

    Args:
        train: Features and labels, see `fit_linear`.
        held_out: The same, of other rows.
        num_classes: C.
        weight_decays: From strong to weak: each fit starts at the one before.
        quality: Judges (N, C) scores by labels; default: the number of rows that are
            right, or the mAP.

    Returns:
        Quality and negative cross-entropy for each weight decay.
    """
    quality = quality or _right_rows
    x, y = held_out
    found = []
    model = None
    for weight_decay in weight_decays:
        model = fit_linear(*train, num_classes, weight_decay, model, tolerance=1e-5)
        scores = model.scores(x)
        if y.dim() == 2:
            loss = _binary_cross_entropy(scores, y.to(scores.dtype)) / y.numel()
        else:
            loss = F.cross_entropy(scores, y)
        value = quality(scores, y)
        found.append((0.0 if math.isnan(value) else value, -loss.item()))
    return found


def _right_rows(scores: Tensor, y: Tensor) -> float:
    if y.dim() == 2:
        return multilabel_map(scores, y)
    return top1(scores, y) * len(y)


def _check(
    x: Tensor, y: Tensor, num_classes: int, weight_decays: Sequence[float]
) -> None:
    if len(x) < 2 or num_classes < 2:
        raise TooFewImages(
            f"a linear classifier needs two images and two classes at least, got "
            f"{len(x)} and {num_classes}"
        )
    if len(x) != len(y):
        raise ShapeMismatch(f"{len(x)} training features but {len(y)} labels")
    if not bool(torch.isfinite(x).all()):
        raise NotFinite("training features hold NaN or infinity")
    if not weight_decays or min(weight_decays) <= 0:
        raise BadValue(f"weight decays must be above 0, got {list(weight_decays)}")
