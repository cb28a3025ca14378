"""What a teacher sees: a student's crop, in its own size and without colour changes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from .draws import ViewDraws


@dataclass(frozen=True)
class TeacherView:
    """How a teacher wants its images.

    Attributes:
        size: Side in pixels.
        mean: Per channel, of values 0..255, in ``order``.
        std: Per channel, of values 0..255, in ``order``.
        order: "rgb" or "bgr".
    """

    size: int
    mean: Sequence[float]
    std: Sequence[float]
    order: str = "rgb"

    def statistics(self) -> tuple[Tensor, Tensor]:
        """Returns what views in RGB are multiplied by, and what is added, (3, 1, 1)."""
        mean, std = (
            torch.tensor(x, dtype=torch.float32) for x in (self.mean, self.std)
        )
        if self.order == "bgr":
            mean, std = mean.flip(0), std.flip(0)
        scale = (1 / std).view(3, 1, 1)
        return scale, -mean.view(3, 1, 1) * scale


def same_crop(draws: ViewDraws, other: ViewDraws) -> ViewDraws:
    """Returns a view's parameters with another's crop and flip."""
    return replace(draws, boxes=other.boxes, flip=other.flip)


def plain_colours(draws: ViewDraws) -> ViewDraws:
    """Returns the parameters of the same crop, whose colours are left alone."""
    never = np.zeros_like(draws.flip)
    return replace(
        draws,
        order=np.full_like(draws.order, -1),
        grey=never,
        sigma=np.zeros_like(draws.sigma),
        solarise=never,
    )
