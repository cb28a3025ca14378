"""What every sampler of sub-nets is: a pure function of the step."""

import random
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from ...utils.families import BadConfigValue
from ..config import build_space
from ..space import SearchSpace
from ..spec import Subnet


class SubnetSampler(ABC):
    """Says which sub-nets a training step runs.

    ``sampler(step, max_steps)`` depends on its arguments and the seed alone. It keeps
    no state and asks no global generator, so every rank gets the same sub-nets without
    communication, and a resumed run continues as if it had never stopped. Whoever
    else needs to know what a step runs (a dataset that must deliver the matching
    cluster, a hook) may simply call it again.

    Args:
        space: What to draw from, or its config (see `build_space`).
        seed: Two seeds draw two independent sequences.
    """

    def __init__(
        self, space: SearchSpace | str | Mapping[str, Any], seed: int = 0
    ) -> None:
        self.space = build_space(space)
        self.seed = seed

    def __call__(self, step: int, max_steps: int) -> list[Subnet]:
        """Returns the sub-nets of one step, each once; MAX comes first if it runs.

        Args:
            step: Index of the training iteration, from 0. A step beyond the last one
                counts as the last one for whatever depends on the progress.
            max_steps: Number of iterations of the whole training.

        Raises:
            UserError: The step is negative or ``max_steps`` is not positive.
        """
        if step < 0 or max_steps < 1:
            raise BadConfigValue(
                f"a sampler of sub-nets needs step >= 0 and max_steps >= 1, not "
                f"{step} and {max_steps}"
            )
        return self.sample(step, max_steps)

    @abstractmethod
    def sample(self, step: int, max_steps: int) -> list[Subnet]:
        """See `__call__`, which has checked the arguments."""

    def generator(self, step: int) -> random.Random:
        """Returns a fresh generator for ``step``, equal in every process."""
        # A string is hashed by SHA-512: unlike seed + step, neighbouring seeds share
        # no steps, and unlike hash(), no process differs.
        return random.Random(f"{self.seed}/{step}")


def check_count(name: str, value: int) -> int:
    """Returns ``value``.

    Raises:
        UserError: It is not a positive whole number.
    """
    if not isinstance(value, int) or value < 1:
        raise BadConfigValue(f"{name} must be a positive whole number, not {value!r}")
    return value
