from typing import Any

import torch
from mmengine.dist import get_world_size
from torch import Tensor

from mmtaskssl.registry import MODELS
from mmtaskssl.utils.copies import to_device
from mmtaskssl.utils.families import BadConfigValue

from .across_processes import mean_over_processes
from .joint_embedding import JointEmbeddingHead, distance_to_centre

_LIMIT = 5.0  # of the integral over t


@MODELS.register_module()
class SIGRegHead(JointEmbeddingHead):
    """LeJEPA's loss: views agree, and embeddings are distributed as N(0, I).

    Balestriero and LeCun, *LeJEPA*, 2025 (arXiv 2511.08544)::

        (1 - weight) * mean |z_v - centre|^2  +  weight * SIGReg(z)

    SIGReg (its section 4) asks in random directions whether the embeddings' shadows
    there are standard normal, by the test of Epps and Pulley: N times the integral of
    ``|mean exp(i t x) - exp(-t^2 / 2)|^2 exp(-t^2 / 2)`` over t, here by the trapezium
    rule on -5..5, mean of directions and views. It needs neither queue nor teacher nor
    predictor, memory and time are linear in the batch and the dimension, and it has one
    weight. The paper's text was not at hand for the formulas: they are our reading.

    The directions are drawn anew each step, from the step's number alone.

    Args:
        weight: Of SIGReg, in (0, 1).
        num_directions: Random directions a step.
        num_points: Of the integral.
        init_cfg: As in mmengine.

    Raises:
        UserError: A value out of range.
    """

    def __init__(
        self,
        weight: float = 0.05,
        num_directions: int = 256,
        num_points: int = 17,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if not 0 < weight < 1:
            raise BadConfigValue(f"head.weight must be in 0..1, not {weight}")
        if num_directions < 1 or num_points < 2:
            raise BadConfigValue(
                "SIGReg needs one direction and two points at least, not "
                f"{num_directions} and {num_points}"
            )
        self.weight, self.num_directions = weight, num_directions
        t = torch.linspace(-_LIMIT, _LIMIT, num_points)
        normal = (-t.square() / 2).exp()
        weights = torch.full_like(t, 2 * _LIMIT / (num_points - 1))
        weights[[0, -1]] /= 2
        self.register_buffer("t", t, persistent=False)
        self.register_buffer("normal", normal, persistent=False)
        self.register_buffer("integral", weights * normal, persistent=False)
        self.register_buffer("step", torch.zeros((), dtype=torch.int64))
        # Its value, known without waiting for the device; None: read it.
        self._steps: int | None = None

    def draw(self, dim: int, device: torch.device) -> Tensor:
        """Returns directions of unit length (D, directions), of the step's number.

        Args:
            dim: D.
            device: Where they are.
        """
        if self._steps is None:
            self._steps = int(self.step)
        generator = torch.Generator().manual_seed(self._steps)
        directions = torch.randn(dim, self.num_directions, generator=generator)
        self._steps += 1
        self.step.fill_(self._steps)
        directions /= directions.norm(dim=0)
        return to_device(directions, device)

    def match(self, views: Tensor, centre: Tensor | None, num_whole: int) -> Tensor:
        """See `JointEmbeddingHead.match`."""
        return (1 - self.weight) * distance_to_centre(views, centre, num_whole)

    def spread(self, views: Tensor, drawn: Tensor | None) -> dict[str, Tensor]:
        """Returns SIGReg, weighted.

        Args:
            views: Embeddings (V, N, D).
            drawn: Directions (D, M).

        Raises:
            UserError: No directions.
        """
        if drawn is None:
            raise BadConfigValue("SIGReg needs the directions that its head draws")
        shadows = (views @ drawn)[..., None] * self.t  # (V, N, M, T)
        parts = torch.stack([shadows.cos().mean(1), shadows.sin().mean(1)])
        real, imaginary = mean_over_processes(parts)
        gap = (real - self.normal).square() + imaginary.square()  # (V, M, T)
        statistic = (gap @ self.integral).mean() * views.shape[1] * get_world_size()
        return {"sigreg": self.weight * statistic}

    def _load_from_state_dict(self, *args, **kwargs) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        self._steps = None
