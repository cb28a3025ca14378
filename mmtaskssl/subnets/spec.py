"""What a sub-net is: an immutable value with one name that reads back."""

import json
import math
import operator
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..utils.families import BadSubnet
from ..utils.inputs import parse_json

ALL = -1
"""Path entry of a stage that runs all its groups; written ``x`` in a name."""

_NUMBERS = r"\d+(?:\.\d+)*"
_NAME = re.compile(
    rf"s(?P<stem>\d+)-w(?P<widths>{_NUMBERS})-d(?P<depths>{_NUMBERS})"
    r"(?:-m(?P<multiplier>\d+(?:\.\d+)?))?"
    r"(?:-p(?P<path>(?:\d+|x)(?:\.(?:\d+|x))*))?",
    re.ASCII,
)
_EXAMPLE = "s64-w64.128.256.512-d3.4.6.3"


@dataclass(frozen=True, slots=True)
class Subnet:
    """One sub-net of an elastic network.

    The value says which channels and blocks run, not which network they belong to;
    that is an `Architecture`. Equal nets of one architecture have equal values, so a
    `Subnet` serves as a dict key, as a config value (its name) and as a JSON row.

    * ResNets of any kind spell their channels out. ``widths`` are the *inner* widths:
      a bottleneck stage puts out four times its width, a basic-block stage its width.
      The slimmable ResNet-50 at width 0.5 is ``s32-w32.64.128.256-d3.4.6.3``.
    * A MobileNetV3 has one ``multiplier`` for all its channels, expansions and
      squeezes included; ``stem``, ``widths`` (stage outputs) and ``depths`` are those
      of the whole net: ``s16-w16.24.40.80.112.160-d1.2.3.4.2.3-m0.35``.
    * A routed ResNet has a ``path``: per stage the index of the one individual group
      that runs beside the shared channels, or `ALL`. ``widths`` are those of all
      groups together: ``s64-w64.128.256.512-d3.4.6.3-p0.3.1.2``. Without a path all
      groups run. A path may be split in part: ``-px.x.x.2``.

    Attributes:
        stem: Output channels of the first convolution.
        widths: One width per stage.
        depths: Number of blocks per stage; the first ones of the stage run.
        path: One group per stage, or None for all groups. A path of only `ALL`
            becomes None.
        multiplier: Factor in (0, 1] on every channel count, rounded to four digits.

    Raises:
        UserError: A value is out of range or the lengths differ.
    """

    stem: int
    widths: tuple[int, ...]
    depths: tuple[int, ...]
    path: tuple[int, ...] | None = None
    multiplier: float = 1.0

    def __post_init__(self):
        def put(name: str, value: Any) -> None:
            object.__setattr__(self, name, value)

        put("stem", whole_numbers("a sub-net's stem", [self.stem], 1)[0])
        put("widths", whole_numbers("a sub-net's widths", self.widths, 1))
        put("depths", whole_numbers("a sub-net's depths", self.depths, 1))
        if len(self.widths) != len(self.depths):
            raise BadSubnet(
                f"a sub-net needs one width and one depth per stage, but has "
                f"{len(self.widths)} widths and {len(self.depths)} depths"
            )
        if self.path is not None:
            path = whole_numbers("a sub-net's path", self.path, ALL)
            if len(path) != len(self.widths):
                raise BadSubnet(
                    f"a sub-net's path needs one group per stage, but has "
                    f"{len(path)} groups for {len(self.widths)} stages"
                )
            put("path", path if any(group != ALL for group in path) else None)
        put("multiplier", _multiplier(self.multiplier))

    @property
    def name(self) -> str:
        """The canonical name, for example ``s64-w64.128.256.512-d3.4.6.3``."""
        name = f"s{self.stem}-w{_dotted(self.widths)}-d{_dotted(self.depths)}"
        if self.multiplier != 1:
            name += f"-m{self.multiplier:g}"
        if self.path is not None:
            name += f"-p{_dotted('x' if g == ALL else g for g in self.path)}"
        return name

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"Subnet.parse({self.name!r})"

    @classmethod
    def parse(cls, name: str) -> "Subnet":
        """Reads a name back.

        Args:
            name: For example ``s64-w64.128.256.512-d3.4.6.3-p0.3.1.2``.

        Raises:
            UserError: This is not the name of a sub-net.
        """
        match = _NAME.fullmatch(name.strip()) if isinstance(name, str) else None
        if match is None:
            raise BadSubnet(
                f"{name!r} is not the name of a sub-net; write for example "
                f"{_EXAMPLE}, with -m0.5 for a width multiplier and -p0.3.1.2 for a "
                f"path after it"
            )
        path = match["path"]
        if path is not None:
            path = tuple(ALL if g == "x" else int(g) for g in path.split("."))
        return cls(
            stem=int(match["stem"]),
            widths=tuple(map(int, match["widths"].split("."))),
            depths=tuple(map(int, match["depths"].split("."))),
            path=path,
            multiplier=float(match["multiplier"] or 1),
        )

    @classmethod
    def of(cls, value: "Subnet | str | Mapping[str, Any]") -> "Subnet":
        """Returns the sub-net that a config value means: itself, a name or a dict."""
        if isinstance(value, cls):
            return value
        if isinstance(value, Mapping):
            return cls.from_dict(value)
        return cls.parse(value)

    def to_dict(self) -> dict[str, Any]:
        """Returns plain lists and numbers, without what has its default value."""
        value: dict[str, Any] = {
            "stem": self.stem,
            "widths": list(self.widths),
            "depths": list(self.depths),
        }
        if self.path is not None:
            value["path"] = list(self.path)
        if self.multiplier != 1:
            value["multiplier"] = self.multiplier
        return value

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "Subnet":
        """Reads `to_dict` back.

        Raises:
            UserError: A key is missing or unknown, or a value is out of range.
        """
        required, optional = {"stem", "widths", "depths"}, {"path", "multiplier"}
        keys = set(value)
        if missing := sorted(required - keys):
            raise BadSubnet(f"a sub-net dict lacks {', '.join(missing)}")
        if unknown := sorted(map(str, keys - required - optional)):
            raise BadSubnet(
                f"a sub-net dict has unknown keys: {', '.join(unknown)}; known are "
                f"stem, widths, depths, path and multiplier"
            )
        return cls(**value)

    def to_json(self) -> str:
        """Returns `to_dict` as one line of JSON."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, text: str) -> "Subnet":
        """Reads `to_json` back.

        Raises:
            UserError: The text is not the JSON of a sub-net.
        """
        try:
            value = parse_json(text)
        except ValueError as error:
            raise BadSubnet(f"the text of a sub-net is not JSON: {error}") from None
        if not isinstance(value, dict):
            raise BadSubnet(f"the JSON of a sub-net must be an object, not {text}")
        return cls.from_dict(value)


def whole_numbers(what: str, values: Iterable[Any], low: int) -> tuple[int, ...]:
    """Returns ``values`` as a non-empty tuple of ints, each at least ``low``.

    Args:
        what: Names them in the error.
        values: Whole numbers of any integer type.
        low: The smallest allowed.

    Raises:
        UserError: There are none, or one is too small or no whole number.
    """
    try:
        # operator.index takes numpy's integers and refuses 64.0 and "64".
        numbers = tuple(operator.index(v) for v in values)
    except TypeError:
        numbers = ()
    if not numbers:
        raise BadSubnet(f"{what} must be whole numbers, not {values!r}")
    if min(numbers) < low:
        raise BadSubnet(f"{what} must be at least {low}, but one is {min(numbers)}")
    return numbers


def _multiplier(value: Any) -> float:
    try:
        number = round(float(value), 4)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 < number <= 1:
        raise BadSubnet(
            f"a sub-net's multiplier must be above 0 and at most 1, not {value!r}"
        )
    return number


def _dotted(values: Iterable[Any]) -> str:
    return ".".join(map(str, values))
