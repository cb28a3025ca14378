"""The sandwich rule: the largest, the smallest, and some between."""

import random
from collections.abc import Mapping
from typing import Any

from ...registry import SUBNET_SAMPLERS
from ...utils.families import BadConfigValue
from ..space import SearchSpace
from ..spec import Subnet
from .base import SubnetSampler


def sandwich(space: SearchSpace, num_random: int, rng: random.Random) -> list[Subnet]:
    """Returns MAX, MIN and up to ``num_random`` other members, each once.

    Args:
        space: What to draw from; a space of fewer members gives fewer.
        num_random: How many to draw.
        rng: Where the draws come from.
    """
    ends = list(dict.fromkeys((space.max, space.min)))
    drawn = space.sample_distinct(min(num_random + len(ends), len(space)), rng)
    return ends + [subnet for subnet in drawn if subnet not in ends][:num_random]


@SUBNET_SAMPLERS.register_module()
class Sandwich(SubnetSampler):
    """MAX, MIN and random others (Yu and Huang, US-Nets, ICCV 2019, section 3.2).

    DATA trains with ``num_random=1`` (from its code).

    Args:
        space: What to draw from, or its config.
        num_random: Nets beside MAX and MIN, different from both and each other. A
            space that has fewer gives fewer.
        seed: Two seeds draw two independent sequences.
    """

    def __init__(
        self,
        space: SearchSpace | str | Mapping[str, Any],
        num_random: int = 1,
        seed: int = 0,
    ) -> None:
        super().__init__(space, seed)
        if not isinstance(num_random, int) or num_random < 0:
            raise BadConfigValue(f"num_random must be 0 or more, not {num_random!r}")
        self.num_random = num_random

    def sample(self, step: int, max_steps: int) -> list[Subnet]:
        """See `SubnetSampler.__call__`."""
        return sandwich(self.space, self.num_random, self.generator(step))
