"""Which sub-nets an elastic network has: membership, drawing, listing, neighbours."""

import random
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..utils.errors import UserError
from ..utils.families import BadSpace, BadSubnet, BadValue
from .arch import Architecture, build_arch
from .spec import Subnet

Seed = int | random.Random
SubnetLike = Subnet | str | Mapping[str, Any]


class SearchSpace(ABC):
    """A finite set of sub-nets of one architecture.

    The anchors have names beside their canonical ones; ``MAX`` and ``MIN`` are always
    among them. An anchor need not be a member: the ResNet-50 of the DATA space has an
    off-grid depth, and the MAX of a routed space has no path. Both can run, because
    they are prefixes of the largest net (`supports`).

    Args:
        arch: The elastic network, or its dict (see `build_arch`).
        anchors: Further names, each for a sub-net or a sub-net's name.

    Raises:
        UserError: A sub-net does not fit the architecture or exceeds MAX.
    """

    def __init__(
        self,
        arch: Architecture | Mapping[str, Any],
        anchors: Mapping[str, SubnetLike] | None = None,
    ):
        self.arch = build_arch(arch)
        self._anchors = {"MAX": self._largest(), "MIN": self._smallest()}
        for name, value in (anchors or {}).items():
            if name in self._anchors:
                raise BadSpace(f"anchor {name} of a search space cannot be set")
            subnet = Subnet.of(value)
            self._require(subnet)
            self._anchors[name] = subnet

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __getitem__(self, index: int) -> Subnet: ...

    @abstractmethod
    def __contains__(self, subnet: object) -> bool: ...

    @abstractmethod
    def neighbours(self, subnet: Subnet) -> list[Subnet]:
        """Returns the members that differ from ``subnet`` by one step."""

    @abstractmethod
    def mutate(self, subnet: Subnet, seed: Seed, rate: float = 0.1) -> Subnet:
        """Returns a member other than ``subnet``, most of it as in ``subnet``.

        Args:
            subnet: Where to start; off-grid values are redrawn.
            seed: A seed or a generator.
            rate: Chance of each choice to be redrawn; at least one is.
        """

    @abstractmethod
    def crossover(self, first: Subnet, second: Subnet, seed: Seed) -> Subnet:
        """Returns a member whose choices come from ``first`` or ``second``."""

    @abstractmethod
    def above(self, floor: float) -> "SearchSpace":
        """Returns the part of the space whose sub-nets are large.

        Args:
            floor: 0 keeps the whole space, 1 the largest alone.
        """

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Returns what `build_space` reads, in plain types."""

    @abstractmethod
    def _largest(self) -> Subnet: ...

    @abstractmethod
    def _smallest(self) -> Subnet: ...

    @property
    def anchors(self) -> dict[str, Subnet]:
        """The named sub-nets, MAX and MIN first."""
        return dict(self._anchors)

    @property
    def max(self) -> Subnet:
        """The largest sub-net: the whole network."""
        return self._anchors["MAX"]

    @property
    def min(self) -> Subnet:
        """The smallest sub-net."""
        return self._anchors["MIN"]

    def __iter__(self) -> Iterator[Subnet]:
        return (self[index] for index in range(len(self)))

    def sample(self, seed: Seed) -> Subnet:
        """Draws a member, each with the same chance.

        Args:
            seed: A seed (equal seeds draw equal nets) or a generator to go on with.
        """
        return self[generator(seed).randrange(len(self))]

    def sample_distinct(self, count: int, seed: Seed) -> list[Subnet]:
        """Draws ``count`` different members in random order.

        Raises:
            UserError: The space has fewer members.
        """
        if count > len(self):
            raise BadValue(
                f"cannot draw {count} different sub-nets: the space has {len(self)}"
            )
        indices = generator(seed).sample(range(len(self)), count)
        return [self[index] for index in indices]

    def resolve(self, value: SubnetLike) -> Subnet:
        """Returns the sub-net that an anchor's name, a canonical name or a dict means.

        Raises:
            UserError: It is neither, or this network cannot run it.
        """
        if isinstance(value, str) and value in self._anchors:
            return self._anchors[value]
        try:
            subnet = Subnet.of(value)
        except UserError as error:
            raise error.retold(
                f"{error}; or name one of {', '.join(self._anchors)}"
            ) from None
        self._require(subnet)
        return subnet

    def name_of(self, subnet: Subnet) -> str | None:
        """Returns the anchor name of ``subnet``, or None."""
        return next(
            (n for n, anchor in self._anchors.items() if anchor == subnet), None
        )

    def supports(self, subnet: Subnet) -> bool:
        """Whether this network can run ``subnet``: a member, an anchor or a prefix."""
        try:
            self._require(subnet)
        except UserError:
            return False
        return True

    def _require(self, subnet: Subnet) -> None:
        self.arch.check(subnet)
        largest = self.max
        fits = (
            len(subnet.widths) == len(largest.widths)
            and subnet.stem <= largest.stem
            and all(a <= b for a, b in zip(subnet.widths, largest.widths, strict=True))
            and all(a <= b for a, b in zip(subnet.depths, largest.depths, strict=True))
        )
        if not fits:
            raise BadSubnet(
                f"sub-net {subnet} does not fit into the space, whose largest is "
                f"{largest}"
            )

    def _anchors_to_dict(self) -> dict[str, Any]:
        names = {k: v.name for k, v in self._anchors.items() if k not in ("MAX", "MIN")}
        return {"anchors": names} if names else {}


def generator(seed: Seed) -> random.Random:
    """Returns the generator that ``seed`` is or starts."""
    return seed if isinstance(seed, random.Random) else random.Random(seed)


def unique(values: Iterable[Any], what: str) -> list[Any]:
    """Returns ``values`` as a list.

    Args:
        values: The choices of one row.
        what: Names them in the error.

    Raises:
        UserError: There are none, or two are equal.
    """
    values = [values] if isinstance(values, (int, str)) else list(values)
    if not values:
        raise BadSpace(f"the {what} of a search space are empty")
    for position, value in enumerate(values):
        if value in values[:position]:
            raise BadSpace(f"the {what} of a search space name {value} twice")
    return values
