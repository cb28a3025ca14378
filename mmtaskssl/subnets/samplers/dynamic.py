"""US3L's sandwich, whose lower slice comes down in four phases."""

from collections.abc import Mapping
from typing import Any

from ...registry import SUBNET_SAMPLERS
from ..space import SearchSpace
from ..spec import Subnet
from .sandwich import Sandwich, sandwich

_PHASES = 4


@SUBNET_SAMPLERS.register_module()
class Dynamic(Sandwich):
    """MAX alone first, then sandwiches that reach further down (US3L, CVPR 2023).

    Training has four equal phases. The first runs MAX; phase k (2, 3, 4) runs a
    sandwich over the part of the space above a floor of 2/3, 1/3 and 0, where 0 is
    the whole space (see `SearchSpace.above`). In the list of widths 1, .75, .5, .25
    the floors are .75, .5 and .25, those of the authors' code. Their phase counter
    runs past the last phase, and below the smallest width, when the epochs are not a
    multiple of four; this one stays in the fourth.

    Args:
        space: What to draw from, or its config.
        num_random: Nets beside the largest and smallest of the phase.
        seed: Two seeds draw two independent sequences.
    """

    def __init__(
        self,
        space: SearchSpace | str | Mapping[str, Any],
        num_random: int = 1,
        seed: int = 0,
    ) -> None:
        super().__init__(space, num_random, seed)
        floors = [1 - phase / (_PHASES - 1) for phase in range(_PHASES)]
        self._spaces = [self.space.above(floor) for floor in floors]

    def phase(self, step: int, max_steps: int) -> int:
        """Returns the phase of a step: 0 to 3."""
        return min(step * _PHASES // max_steps, _PHASES - 1)

    def sample(self, step: int, max_steps: int) -> list[Subnet]:
        """See `SubnetSampler.__call__`."""
        phase = self.phase(step, max_steps)
        if phase == 0:
            return [self.space.max]
        return sandwich(self._spaces[phase], self.num_random, self.generator(step))
