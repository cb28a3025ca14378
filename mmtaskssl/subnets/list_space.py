"""Search spaces that are an explicit list."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..utils.families import BadSpace
from .arch import Architecture, arch_to_dict, build_arch
from .cost import cost
from .space import SearchSpace, Seed, SubnetLike, generator, unique
from .spec import Subnet


class ListSpace(SearchSpace):
    """An explicit list of sub-nets, such as the widths of a slimmable network.

    The list keeps its order. MAX is its largest and MIN its smallest net by MACs.

    Args:
        arch: The elastic network, or its dict (see `build_arch`).
        subnets: Sub-nets or their names, each once.
        anchors: Further names, each for a sub-net or a sub-net's name.

    Raises:
        UserError: The list is empty, has doubles, or a net that does not fit.
    """

    def __init__(
        self,
        arch: Architecture | Mapping[str, Any],
        subnets: Sequence[SubnetLike],
        anchors: Mapping[str, SubnetLike] | None = None,
    ):
        arch = build_arch(arch)
        self._subnets = unique(map(Subnet.of, subnets), "sub-nets")
        self._macs = {subnet: cost(arch, subnet).macs for subnet in self._subnets}
        super().__init__(arch, anchors)
        for subnet in self._subnets:
            self._require(subnet)

    def __len__(self) -> int:
        return len(self._subnets)

    def __getitem__(self, index: int) -> Subnet:
        return self._subnets[index]

    def __contains__(self, subnet: object) -> bool:
        return subnet in self._macs

    def neighbours(self, subnet: Subnet) -> list[Subnet]:
        """Returns the next smaller and the next larger member by MACs."""
        macs = cost(self.arch, subnet).macs
        ordered = self._by_size()
        smaller = [other for other in ordered if self._macs[other] < macs]
        larger = [other for other in ordered if self._macs[other] > macs]
        return smaller[-1:] + larger[:1]

    def mutate(self, subnet: Subnet, seed: Seed, rate: float = 0.1) -> Subnet:
        """Returns a random other member: a list has but one choice."""
        others = [member for member in self if member != subnet]
        if not others:
            raise BadSpace("a space of one sub-net has nothing to mutate")
        return generator(seed).choice(others)

    def crossover(self, first: Subnet, second: Subnet, seed: Seed) -> Subnet:
        """Returns one of the two, whichever is a member."""
        members = [parent for parent in (first, second) if parent in self]
        return generator(seed).choice(members or self._subnets)

    def above(self, floor: float) -> "ListSpace":
        """Keeps the largest sub-nets by MACs."""
        ordered = self._by_size()
        kept = set(ordered[round(floor * (len(ordered) - 1)) :])
        return ListSpace(self.arch, [subnet for subnet in self if subnet in kept])

    def to_dict(self) -> dict[str, Any]:
        """See `SearchSpace.to_dict`."""
        return {
            "kind": "list",
            "arch": arch_to_dict(self.arch),
            "subnets": [subnet.name for subnet in self],
        } | self._anchors_to_dict()

    def _by_size(self) -> list[Subnet]:
        return sorted(self._subnets, key=self._macs.__getitem__)

    def _largest(self) -> Subnet:
        return self._by_size()[-1]

    def _smallest(self) -> Subnet:
        return self._by_size()[0]
