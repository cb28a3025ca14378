"""Some members, drawn at random."""

from collections.abc import Mapping
from typing import Any

from ...registry import SUBNET_SAMPLERS
from ..space import SearchSpace
from ..spec import Subnet
from .base import SubnetSampler, check_count


@SUBNET_SAMPLERS.register_module()
class RandomSubnets(SubnetSampler):
    """Different members, each with the same chance; MAX runs only when drawn.

    Args:
        space: What to draw from, or its config.
        num: How many a step runs; a space that has fewer gives fewer.
        seed: Two seeds draw two independent sequences.
    """

    def __init__(
        self,
        space: SearchSpace | str | Mapping[str, Any],
        num: int = 1,
        seed: int = 0,
    ) -> None:
        super().__init__(space, seed)
        self.num = check_count("num", num)

    def sample(self, step: int, max_steps: int) -> list[Subnet]:
        """See `SubnetSampler.__call__`."""
        rng = self.generator(step)
        drawn = self.space.sample_distinct(min(self.num, len(self.space)), rng)
        return sorted(drawn, key=lambda subnet: subnet != self.space.max)
