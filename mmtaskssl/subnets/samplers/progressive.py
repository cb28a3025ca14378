"""SDR's phases: the whole net first, then ever more paths."""

import bisect
import copy
import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...registry import SUBNET_SAMPLERS
from ...utils.families import BadConfigValue, BadSpace
from ..arch import ResNetArch
from ..space import SearchSpace
from ..spec import ALL, Subnet
from .base import SubnetSampler, check_count


@SUBNET_SAMPLERS.register_module()
class Progressive(SubnetSampler):
    """MAX, and from the second phase on also paths of a routed network (SDR).

    Each phase splits one more stage, the last stage first, because the coarse digit
    of the hierarchy of clusters lies there. With four groups in four stages the
    phases have 1 (MAX alone), 4, 16, 64 and 256 live paths. A stage not yet split
    runs all its groups; its entry in the path is `ALL`.

    A step runs MAX and ``num_paths`` live paths. Equally weighted paths come in random
    order without repetition: none runs twice before all have run once, up to a rest
    of fewer than ``num_paths``. With weights (see `weighted`) a path runs in proportion
    to its own: in a turn of as many draws as there are live paths, as often as its
    share of them says, rounded down or up (systematic sampling).

    The sampler is a value: which sub-nets a step runs is a function of the step.

    The kind and order of phases are recalled from the paper (arXiv 2205.13267), the
    shares are our choice: paths that begin in the last fifth of a cosine schedule
    hardly learn (model_zoo.md). ``shares=(0, 0, 0, 0, 1)`` trains all paths from the
    start, ``(1, 0, 0, 0, 0)`` MAX alone.

    Args:
        space: A space of paths, or its config.
        num_paths: Paths that a step runs beside MAX, once there are as many.
        shares: Share of the steps per phase, one more than there are stages to split.
        seed: Two seeds draw two independent sequences.

    Raises:
        UserError: The space has no paths, or the shares do not fit it.
    """

    def __init__(
        self,
        space: SearchSpace | str | Mapping[str, Any],
        num_paths: int = 1,
        shares: Sequence[float] = (0.3, 0.1, 0.1, 0.1, 0.4),
        seed: int = 0,
    ) -> None:
        super().__init__(space, seed)
        arch = self.space.arch
        if not isinstance(arch, ResNetArch) or arch.routes is None:
            raise BadSpace(
                "Progressive needs a search space of paths, such as "
                "dict(preset='routed_resnet')"
            )
        self.num_paths = check_count("num_paths", num_paths)
        self._live = live_paths(self.space.max, arch.routes.groups)
        if (
            len(shares) != len(self._live)
            or min(shares) < 0
            or abs(sum(shares) - 1) > 1e-6
        ):
            raise BadConfigValue(
                f"shares must be {len(self._live)} numbers that add up to 1, one for "
                f"each phase of this space, not {tuple(shares)}"
            )
        self.shares = tuple(shares)
        self._weights: list[list[float]] = [[1] * len(paths) for paths in self._live]
        self._last: tuple | None = None  # the latest turn: a memory, not a state

    def weighted(self, weight: Callable[[Subnet], float]) -> "Progressive":
        """Returns this sampler with paths in proportion to a weight.

        Args:
            weight: Of a live path, such as its cluster's images; 0 or more, and the
                same in all processes. A path of 0 never runs; one that has more than
                one ``num_paths``-th of all runs in every step, no more.

        Raises:
            UserError: A weight is negative, or all live paths of a phase have none.
        """
        rows = [[weight(path) for path in paths] for paths in self._live[1:]]
        for row in rows:
            if min(row) < 0 or sum(row) <= 0:
                raise BadConfigValue(
                    "the weights of the live paths must be 0 or more, and not all 0"
                )
        other = copy.copy(self)
        other._weights, other._last = [[1], *rows], None
        return other

    @property
    def num_phases(self) -> int:
        """Number of phases, the one of MAX alone included."""
        return len(self._live)

    def bounds(self, max_steps: int) -> list[int]:
        """Returns the first step of each phase, then ``max_steps``."""
        ends = itertools.accumulate(self.shares)
        return [0, *(round(end * max_steps) for end in ends)]

    def phase(self, step: int, max_steps: int) -> int:
        """Returns the phase of a step: 0 (MAX alone) to ``num_phases - 1``."""
        starts = self.bounds(max_steps)[1:-1]
        return sum(step >= start for start in starts)

    def live_paths(self, phase: int) -> list[Subnet]:
        """Returns the paths that exist in a phase, in lexical order; MAX in phase 0."""
        return list(self._live[phase])

    def sample(self, step: int, max_steps: int) -> list[Subnet]:
        """See `SubnetSampler.__call__`."""
        phase = self.phase(step, max_steps)
        if phase == 0:
            return [self.space.max]
        count = min(self.num_paths, len(self._live[phase]))
        steps = len(self._live[phase]) // count
        turn, place = divmod(step - self.bounds(max_steps)[phase], steps)
        paths, ends, offset = self._turn(phase, turn)
        scale = ends[-1] / (steps * count)
        drawn = [
            bisect.bisect_right(ends, scale * (place + offset + steps * draw))
            for draw in range(count)
        ]
        # A path heavier than one of `count` shares is drawn twice; rounding may end one
        # past the last.
        chosen = dict.fromkeys(paths[min(index, len(paths) - 1)] for index in drawn)
        return [self.space.max, *chosen]

    def _turn(
        self, phase: int, turn: int
    ) -> tuple[Sequence[Subnet], list[float], float]:
        """Returns a turn's paths in order, their summed weights, and its offset."""
        if self._last is None or self._last[0] != (phase, turn):
            rng = random.Random(f"{self.seed}/{phase}/{turn}")
            live = list(zip(self._live[phase], self._weights[phase], strict=True))
            rng.shuffle(live)
            paths, weights = zip(*live, strict=True)
            ends = list(itertools.accumulate(weights))
            # Of equal weights every draw falls into a path of its own wherever the
            # draws begin; half way, rounding cannot matter.
            offset = rng.random() if len(set(weights)) > 1 else 0.5
            self._last = (phase, turn), (paths, ends, offset)
        return self._last[1]


def live_paths(largest: Subnet, groups: Sequence[int]) -> list[list[Subnet]]:
    """Returns the live paths of each phase: MAX, then by ever more stages, last first.

    Args:
        largest: MAX.
        groups: Groups of each stage.
    """
    phases = [[largest]]
    choices: list[Sequence[int]] = [(ALL,)] * len(groups)
    for stage in reversed(range(len(groups))):
        if groups[stage] < 2:
            continue
        choices[stage] = range(groups[stage])
        phases.append(
            [
                Subnet(largest.stem, largest.widths, largest.depths, path)
                for path in itertools.product(*choices)
            ]
        )
    return phases
