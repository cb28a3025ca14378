"""The largest net, and others among which small ones are drawn more often."""

import random
from collections.abc import Mapping
from typing import Any

from ...registry import SUBNET_SAMPLERS
from ..cost import cost
from ..space import SearchSpace
from ..spec import Subnet
from .base import SubnetSampler, check_count


@SUBNET_SAMPLERS.register_module()
class Biased(SubnetSampler):
    """MAX and random others, biased to small nets.

    Each of the others is the cheapest, by MACs, of ``tournament`` nets drawn with
    equal chances. This needs no cost of the whole space, and the bias has one plain
    number: in a ranking by cost, a share x of cheapest nets is drawn with the chance
    1 - (1 - x) ** tournament. That form of the bias is our choice.

    Args:
        space: What to draw from, or its config.
        num_random: Nets beside MAX, each once. A space that has fewer gives fewer.
        tournament: Nets that compete for one place; 1 is no bias.
        seed: Two seeds draw two independent sequences.
    """

    def __init__(
        self,
        space: SearchSpace | str | Mapping[str, Any],
        num_random: int = 2,
        tournament: int = 2,
        seed: int = 0,
    ) -> None:
        super().__init__(space, seed)
        self.num_random = check_count("num_random", num_random)
        self.tournament = check_count("tournament", tournament)

    def sample(self, step: int, max_steps: int) -> list[Subnet]:
        """See `SubnetSampler.__call__`."""
        rng = self.generator(step)
        chosen = [self.space.max]
        others = len(self.space) - (self.space.max in self.space)
        for _ in range(min(self.num_random, others)):
            rivals = [self._draw(rng, chosen) for _ in range(self.tournament)]
            chosen.append(min(rivals, key=lambda s: cost(self.space.arch, s).macs))
        return chosen

    def _draw(self, rng: random.Random, taken: list[Subnet]) -> Subnet:
        while True:
            subnet = self.space.sample(rng)
            if subnet not in taken:
                return subnet
