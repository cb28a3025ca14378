"""The largest net alone for a while, then another sampler."""

from collections.abc import Mapping
from typing import Any

from ...registry import SUBNET_SAMPLERS
from ...utils.families import BadConfigValue
from ..space import SearchSpace
from ..spec import Subnet
from .base import SubnetSampler


@SUBNET_SAMPLERS.register_module()
class SlowStart(SubnetSampler):
    """MAX alone for the first part of training (SlimCLR, IJCV 2024, slow start).

    Args:
        space: What to draw from, or its config.
        fraction: Share of the steps, in [0, 1], that run MAX alone.
        then: Config of the sampler of the remaining steps. It sees the true step, so
            a phase of its own counts from the start of training.
        seed: Handed to ``then``, unless that names one.

    Raises:
        UserError: ``fraction`` is not in [0, 1].
    """

    def __init__(
        self,
        space: SearchSpace | str | Mapping[str, Any],
        fraction: float = 0.5,
        then: Mapping[str, Any] | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(space, seed)
        if not 0 <= fraction <= 1:
            raise BadConfigValue(f"fraction must lie in [0, 1], not {fraction!r}")
        self.fraction = fraction
        self.then = SUBNET_SAMPLERS.build(
            dict(then or {"type": "AllSubnets"}),
            default_args={"space": self.space, "seed": seed},
        )

    def sample(self, step: int, max_steps: int) -> list[Subnet]:
        """See `SubnetSampler.__call__`."""
        if step < round(self.fraction * max_steps):
            return [self.space.max]
        return self.then(step, max_steps)
