"""Random parts of labelled rows, each a function of a seed."""

import torch
from torch import Tensor

from ..utils.families import BadValue, TargetTooSmall


def stratified_folds(y: Tensor, folds: int, seed: int) -> list[Tensor]:
    """Divides rows into parts with nearly the same share of every class.

    A row that is the only one of its class is in no part, since a classifier fitted
    without it could not know the class.

    Args:
        y: (N,) class indices, or (N, C) zero-one labels, which are divided at random.
        folds: Parts wanted; fewer if no class has so many rows.
        seed: Draws the parts.

    Returns:
        Row indices of each part, sorted; empty if no class has two rows.
    """
    generator = torch.Generator().manual_seed(seed)
    if y.dim() == 2:
        order = torch.randperm(len(y), generator=generator)
        groups = [order] if len(y) > 1 else []
    else:
        groups = _shuffled_classes(y, generator)
        groups = [rows for rows in groups if len(rows) > 1]
    if not groups:
        return []
    # Dealt out one after another, the next class where the last one ended: parts
    # differ by one row at most, also when all classes are small.
    dealt = torch.cat(groups)
    folds = min(folds, max(len(rows) for rows in groups))
    return [dealt[part::folds].sort().values.to(y.device) for part in range(folds)]


def sample_shots(
    y: Tensor, shots: int, seed: int, class_names: list[str] | None = None
) -> Tensor:
    """Draws ``shots`` rows of every class.

    Args:
        y: (N,) class indices.
        shots: Rows a class.
        seed: Draws them.
        class_names: For messages.

    Returns:
        Sorted row indices.

    Raises:
        UserError: A class has fewer rows, or ``shots`` is below 1.
    """
    if shots < 1:
        raise BadValue(f"shots must be at least 1, got {shots}")
    generator = torch.Generator().manual_seed(seed)
    groups = _shuffled_classes(y, generator)
    for rows in groups:
        if len(rows) < shots:
            label = int(y[rows[0]])
            name = class_names[label] if class_names else label
            raise TargetTooSmall(
                f"class {name} has only {len(rows)} training images, fewer than "
                f"{shots} shots"
            )
    rows = torch.cat([rows[:shots] for rows in groups])
    return rows.sort().values.to(y.device)


def _shuffled_classes(y: Tensor, generator: torch.Generator) -> list[Tensor]:
    y = y.cpu()
    groups = [torch.nonzero(y == label).squeeze(1) for label in y.unique().tolist()]
    return [rows[torch.randperm(len(rows), generator=generator)] for rows in groups]
