"""Search spaces that are every combination of a few choices."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..utils.families import BadSpace
from .arch import Architecture, arch_to_dict
from .space import SearchSpace, Seed, SubnetLike, generator, unique
from .spec import ALL, Subnet, whole_numbers


class GridSpace(SearchSpace):
    """All combinations of a choice of stem, and of widths, depths and groups by stage.

    Args:
        arch: The elastic network, or its dict (see `build_arch`).
        stem: Choices of the stem width.
        widths: Per stage the choices of the inner width.
        depths: Per stage the choices of the depth.
        paths: Per stage the choices of the individual group, for a routed network; a
            stage that is not split has the one choice `ALL`.
        anchors: Further names, each for a sub-net or a sub-net's name.

    Raises:
        UserError: A choice is empty, doubled or out of range.
    """

    def __init__(
        self,
        arch: Architecture | Mapping[str, Any],
        stem: Sequence[int],
        widths: Sequence[Sequence[int]],
        depths: Sequence[Sequence[int]],
        paths: Sequence[Sequence[int]] | None = None,
        anchors: Mapping[str, SubnetLike] | None = None,
    ):
        self._stages = len(widths)
        if len(depths) != len(widths) or len(paths or widths) != len(widths):
            raise BadSpace("a grid needs choices of width, depth and path per stage")
        rows = [stem, *widths, *depths, *(paths or ())]
        self._choices = [
            tuple(
                sorted(
                    whole_numbers("the choices of a grid", unique(row, "choices"), ALL)
                )
            )
            for row in rows
        ]
        self._routed = paths is not None
        super().__init__(arch, anchors)
        for row, choices in enumerate(self._choices):  # every value in some sub-net
            for value in choices:
                self._require(self._subnet(_with(self._genes(self.max), row, value)))

    def __len__(self) -> int:
        return math.prod(len(choices) for choices in self._choices)

    def __getitem__(self, index: int) -> Subnet:
        size = len(self)
        if not -size <= index < size:
            raise IndexError(f"sub-net {index} of a space of {size}")
        index %= size
        genes = []
        for choices in reversed(self._choices):  # the last choice varies fastest
            index, position = divmod(index, len(choices))
            genes.append(choices[position])
        return self._subnet(genes[::-1])

    def __contains__(self, subnet: object) -> bool:
        if not isinstance(subnet, Subnet) or subnet.multiplier != 1:
            return False
        if len(subnet.widths) != self._stages or (subnet.path and not self._routed):
            return False
        return all(
            gene in choices
            for gene, choices in zip(self._genes(subnet), self._choices, strict=True)
        )

    def neighbours(self, subnet: Subnet) -> list[Subnet]:
        """Returns the members one step away in one choice.

        The steps of an ordered choice (stem, width, depth) go to the next smaller and
        the next larger value; every other group of a stage is one step away.
        """
        genes = self._genes(subnet)
        found = []
        for row, choices in enumerate(self._choices):
            others = [value for value in choices if value != genes[row]]
            if row <= 2 * self._stages:
                smaller = [value for value in others if value < genes[row]]
                larger = [value for value in others if value > genes[row]]
                others = smaller[-1:] + larger[:1]
            found += [self._subnet(_with(genes, row, value)) for value in others]
        return [neighbour for neighbour in found if neighbour in self]

    def mutate(self, subnet: Subnet, seed: Seed, rate: float = 0.1) -> Subnet:
        """See `SearchSpace.mutate`."""
        rng = generator(seed)
        genes = self._genes(subnet)
        free = [row for row, choices in enumerate(self._choices) if len(choices) > 1]
        if not free:
            raise BadSpace("a space of one sub-net has nothing to mutate")
        chosen = {row for row in free if rng.random() < rate} or {rng.choice(free)}
        for row, choices in enumerate(self._choices):
            if row in chosen or genes[row] not in choices:
                others = [value for value in choices if value != genes[row]]
                genes[row] = rng.choice(others)
        return self._subnet(genes)

    def crossover(self, first: Subnet, second: Subnet, seed: Seed) -> Subnet:
        """See `SearchSpace.crossover`; off-grid values of a parent are not taken."""
        rng = generator(seed)
        genes = []
        pairs = zip(self._genes(first), self._genes(second), strict=True)
        for pair, choices in zip(pairs, self._choices, strict=True):
            genes.append(
                rng.choice([gene for gene in pair if gene in choices] or choices)
            )
        return self._subnet(genes)

    def above(self, floor: float) -> "GridSpace":
        """Keeps the largest values of every ordered choice; every path stays."""
        rows = []
        for row, choices in enumerate(self._choices):
            ordered = row <= 2 * self._stages
            rows.append(choices[round(floor * (len(choices) - 1)) if ordered else 0 :])
        n = self._stages
        paths = rows[1 + 2 * n :] or None
        return GridSpace(
            self.arch, rows[0], rows[1 : 1 + n], rows[1 + n : 1 + 2 * n], paths
        )

    def to_dict(self) -> dict[str, Any]:
        """See `SearchSpace.to_dict`."""
        n, rows = self._stages, [list(choices) for choices in self._choices]
        value = {
            "kind": "grid",
            "arch": arch_to_dict(self.arch),
            "stem": rows[0],
            "widths": rows[1 : 1 + n],
            "depths": rows[1 + n : 1 + 2 * n],
        }
        if self._routed:
            value["paths"] = rows[1 + 2 * n :]
        return value | self._anchors_to_dict()

    def _genes(self, subnet: Subnet) -> list[int]:
        path = (subnet.path or (ALL,) * self._stages) if self._routed else ()
        return [subnet.stem, *subnet.widths, *subnet.depths, *path]

    def _subnet(self, genes: Sequence[int]) -> Subnet:
        n = self._stages
        path = tuple(genes[1 + 2 * n :]) or None
        return Subnet(genes[0], genes[1 : 1 + n], genes[1 + n : 1 + 2 * n], path)

    def _largest(self) -> Subnet:
        genes = [max(choices) for choices in self._choices[: 1 + 2 * self._stages]]
        return self._subnet(genes)

    def _smallest(self) -> Subnet:
        return self._subnet([min(choices) for choices in self._choices])


def _with(genes: Sequence[int], row: int, value: int) -> list[int]:
    return [value if i == row else gene for i, gene in enumerate(genes)]
