"""The sandwich, whose others are spread evenly over costs."""

import functools
import math
import random
from collections.abc import Mapping
from typing import Any

from ...registry import SUBNET_SAMPLERS
from ..cost import cost
from ..space import SearchSpace
from ..spec import Subnet
from .base import SubnetSampler, check_count

# A space of more is represented by as many of its members.
_LISTED = 4096


@SUBNET_SAMPLERS.register_module()
class Stratified(SubnetSampler):
    """MAX, MIN and others whose MACs are drawn evenly, and not their names.

    A space has few names of small and of large nets and many of middling ones, so a net
    that is drawn uniformly is hardly ever small or large. Here each of the others comes
    from a stratum that is drawn with equal chances: the range of MACs is cut into
    ``strata`` parts, equal in their logarithm, and empty ones are left out. Of a space
    of more than 4,096 members, as many random ones stand for it, the same in every
    process and for every seed.

    Args:
        space: What to draw from, or its config.
        num_random: Nets beside MAX and MIN, each once. Fewer where there are fewer.
        strata: Parts of the range of MACs.
        seed: Two seeds draw two independent sequences.
    """

    def __init__(
        self,
        space: SearchSpace | str | Mapping[str, Any],
        num_random: int = 1,
        strata: int = 8,
        seed: int = 0,
    ) -> None:
        super().__init__(space, seed)
        self.num_random = check_count("num_random", num_random)
        self.strata = check_count("strata", strata)

    @functools.cached_property
    def members(self) -> list[list[Subnet]]:
        """The members of each stratum, cheapest first, but for MAX and MIN."""
        space, count = self.space, len(self.space)
        places = range(count)
        if count > _LISTED:
            places = sorted(random.Random(0).sample(places, _LISTED))
        ends = (space.min, space.max)
        low, high = (math.log(cost(space.arch, end).macs) for end in ends)
        found: list[list[Subnet]] = [[] for _ in range(self.strata)]
        for place in places:
            subnet = space[place]
            if subnet in ends:
                continue
            size = math.log(cost(space.arch, subnet).macs)
            share = (size - low) / (high - low) if high > low else 0.0
            part = int(share * self.strata)
            found[min(max(part, 0), self.strata - 1)].append(subnet)
        return [part for part in found if part]

    def sample(self, step: int, max_steps: int) -> list[Subnet]:
        """See `SubnetSampler.__call__`."""
        rng, parts = self.generator(step), self.members
        chosen = list(dict.fromkeys((self.space.max, self.space.min)))
        ends = len(chosen)
        wanted = min(self.num_random, sum(map(len, parts)))
        while len(chosen) < ends + wanted:
            subnet = rng.choice(rng.choice(parts))
            if subnet not in chosen:
                chosen.append(subnet)
        return chosen
