"""Which elastic network a `Subnet` belongs to."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Literal

from ..utils.families import BadSpace, BadSubnet
from .spec import ALL, Subnet


def round_channels(channels: int, multiplier: float, divisor: int | None = None) -> int:
    """Returns a channel count times a width multiplier.

    Args:
        channels: Channels at full width.
        multiplier: Width in (0, 1].
        divisor: None rounds down to a whole number, the rule of slimmable networks
            with a fixed list of widths; 8 rounds to the nearest multiple of 8 that
            keeps at least 90 %, the rule of MobileNet's ``make_divisible``.
    """
    # 240 * 0.35 is 83.99999999999999 in binary: int() alone would lose a channel.
    scaled = channels * multiplier
    if divisor is None:
        return max(1, math.floor(scaled + 1e-6))
    rounded = max(divisor, int(scaled + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * scaled else rounded


@dataclass(frozen=True, slots=True)
class Routes:
    """How the inner channels of each stage of a routed ResNet are split.

    The inner channels of stage ``i`` are ``shared[i]`` followed by ``groups[i]``
    individual groups of ``group[i]`` channels each. The residual stream is not split.

    Attributes:
        shared: Inner channels per stage that every path runs.
        group: Inner channels per stage of one individual group.
        groups: Number of individual groups per stage.
        stream: Channels per stage of the residual stream, that is of its output.
    """

    shared: tuple[int, ...]
    group: tuple[int, ...]
    groups: tuple[int, ...]
    stream: tuple[int, ...]

    def __post_init__(self):
        for field in fields(self):
            object.__setattr__(self, field.name, tuple(getattr(self, field.name)))
        if len({len(getattr(self, field.name)) for field in fields(self)}) != 1:
            raise BadSpace(
                "routes need one shared width, group width, number of groups and "
                "stream width per stage"
            )
        if min(self.shared) < 0 or min(self.group + self.groups + self.stream) < 1:
            raise BadSpace("routes need positive widths and numbers of groups")

    @property
    def widths(self) -> tuple[int, ...]:
        """Inner channels per stage of all groups together."""
        return tuple(
            s + g * n
            for s, g, n in zip(self.shared, self.group, self.groups, strict=True)
        )

    def active(self, path: tuple[int, ...] | None) -> tuple[int, ...]:
        """Returns the inner channels per stage that run on ``path``."""
        if path is None:
            return self.widths
        return tuple(
            full if chosen == ALL else shared + group
            for full, shared, group, chosen in zip(
                self.widths, self.shared, self.group, path, strict=True
            )
        )


@dataclass(frozen=True, slots=True)
class ResNetArch:
    """A ResNet of one kind of block.

    Attributes:
        block: "bottleneck" (stride in the 3x3, output four times the inner width) or
            "basic" (output as wide as the inner width).
        stem_kernel: 7 (stride 2, then 3x3 max pooling) or 3 (stride 1, no pooling; for
            small images).
        routes: The split of a routed ResNet, else None.
    """

    kind: ClassVar[str] = "resnet"
    block: Literal["bottleneck", "basic"] = "bottleneck"
    stem_kernel: Literal[3, 7] = 7
    routes: Routes | None = None

    def __post_init__(self):
        if self.block not in ("bottleneck", "basic"):
            raise BadSpace(
                f"a ResNet's block must be 'bottleneck' or 'basic', not {self.block!r}"
            )
        if self.stem_kernel not in (3, 7):
            raise BadSpace(
                f"a ResNet's stem_kernel must be 3 or 7, not {self.stem_kernel!r}"
            )

    @property
    def expansion(self) -> int:
        """Output width of a stage over its inner width, where nothing is routed."""
        return 4 if self.block == "bottleneck" else 1

    def inner_widths(self, subnet: Subnet) -> tuple[int, ...]:
        """Returns the inner channels per stage that ``subnet`` runs."""
        return self.routes.active(subnet.path) if self.routes else subnet.widths

    def out_channels(self, subnet: Subnet) -> tuple[int, ...]:
        """Returns the output channels per stage of ``subnet``."""
        if self.routes:
            return self.routes.stream
        return tuple(self.expansion * width for width in subnet.widths)

    def check(self, subnet: Subnet) -> None:
        """Checks that ``subnet`` can be a net of this architecture.

        Raises:
            UserError: It cannot; says why.
        """
        if subnet.multiplier != 1:
            raise BadSubnet(
                f"sub-net {subnet} has a width multiplier, but a ResNet's sub-nets "
                f"spell their widths out"
            )
        if self.routes is None:
            if subnet.path is not None:
                raise BadSubnet(
                    f"sub-net {subnet} has a path, but this ResNet is not routed"
                )
            return
        if subnet.widths != self.routes.widths:
            widths = ".".join(map(str, self.routes.widths))
            raise BadSubnet(
                f"sub-net {subnet} does not fit the routed ResNet, whose widths with "
                f"all groups are w{widths}"
            )
        for stage, chosen in enumerate(subnet.path or ()):
            groups = self.routes.groups[stage]
            if chosen >= groups:
                raise BadSubnet(
                    f"sub-net {subnet} asks for group {chosen} in stage {stage}, which "
                    f"has only groups 0 to {groups - 1}"
                )


@dataclass(frozen=True, slots=True)
class InvertedResidual:
    """One block of MobileNetV3 at full width (Howard et al. 2019, Table 1).

    Attributes:
        kernel: Kernel of the depthwise convolution.
        expand: Channels of the depthwise convolution.
        se: Whether squeeze-and-excitation follows the depthwise convolution.
        stride: Stride of the depthwise convolution.
    """

    kernel: int
    expand: int
    se: bool
    stride: int


_LARGE = (  # one row a stage; the stages' widths are in MobileNetV3Arch.widths
    ((3, 16, False, 1),),
    ((3, 64, False, 2), (3, 72, False, 1)),
    ((5, 72, True, 2), (5, 120, True, 1), (5, 120, True, 1)),
    ((3, 240, False, 2), (3, 200, False, 1), (3, 184, False, 1), (3, 184, False, 1)),
    ((3, 480, True, 1), (3, 672, True, 1)),
    ((5, 672, True, 2), (5, 960, True, 1), (5, 960, True, 1)),
)


@dataclass(frozen=True, slots=True)
class MobileNetV3Arch:
    """MobileNetV3-Large up to its last 1x1 convolution (960 channels at full width).

    Attributes:
        divisor: How a width multiplier rounds a channel count, see `round_channels`.
            With 8 the net of a multiplier is torchvision's of that ``width_mult``.
    """

    kind: ClassVar[str] = "mobilenet_v3"
    stem: ClassVar[int] = 16
    widths: ClassVar[tuple[int, ...]] = (16, 24, 40, 80, 112, 160)
    last: ClassVar[int] = 960
    stages: ClassVar[tuple[tuple[InvertedResidual, ...], ...]] = tuple(
        tuple(InvertedResidual(*block) for block in stage) for stage in _LARGE
    )
    divisor: int | None = None

    def __post_init__(self):
        if self.divisor is not None and self.divisor < 1:
            raise BadSpace(f"divisor must be None or positive, not {self.divisor!r}")

    @property
    def full(self) -> Subnet:
        """The net at full width."""
        return Subnet(self.stem, self.widths, tuple(map(len, self.stages)))

    def scale(self, channels: int, subnet: Subnet) -> int:
        """Returns the active ones of ``channels`` at the multiplier of ``subnet``."""
        return round_channels(channels, subnet.multiplier, self.divisor)

    def squeeze(self, expand: int) -> int:
        """Returns the squeeze channels beside ``expand`` *active* channels."""
        return round_channels(expand // 4, 1.0, 8)

    def out_channels(self, subnet: Subnet) -> tuple[int, ...]:
        """Returns the output channels per stage, then of the last convolution."""
        return tuple(self.scale(width, subnet) for width in (*self.widths, self.last))

    def check(self, subnet: Subnet) -> None:
        """Checks that ``subnet`` can be a net of this architecture.

        Raises:
            UserError: It cannot; says why.
        """
        full = self.full
        same = (subnet.stem, subnet.widths, subnet.depths)
        if same != (full.stem, full.widths, full.depths) or subnet.path is not None:
            raise BadSubnet(
                f"sub-net {subnet} is not MobileNetV3-Large, whose sub-nets are "
                f"{full} with a width multiplier such as -m0.5"
            )


Architecture = ResNetArch | MobileNetV3Arch
_KINDS = {arch.kind: arch for arch in (ResNetArch, MobileNetV3Arch)}


def build_arch(config: Mapping[str, Any] | Architecture) -> Architecture:
    """Builds an architecture from a plain dict such as ``dict(kind='resnet')``.

    Args:
        config: ``kind`` ("resnet" or "mobilenet_v3") and the fields of `ResNetArch`
            or `MobileNetV3Arch`; ``routes`` is a dict of the fields of `Routes`.

    Raises:
        UserError: The kind or a field is unknown, or a value is out of range.
    """
    if isinstance(config, Architecture):
        return config
    values = dict(config)
    kind = values.pop("kind", None)
    if kind not in _KINDS:
        raise BadSpace(
            f"an architecture's kind must be one of {', '.join(_KINDS)}, not {kind!r}"
        )
    try:
        if values.get("routes") is not None:
            values["routes"] = Routes(**values["routes"])
        return _KINDS[kind](**values)
    except TypeError as error:
        raise BadSpace(f"architecture of kind {kind!r}: {error}") from None


def arch_to_dict(arch: Architecture) -> dict[str, Any]:
    """Returns what `build_arch` reads, in plain types."""
    values = {k: v for k, v in asdict(arch).items() if v is not None}
    if "routes" in values:
        values["routes"] = {k: list(v) for k, v in values["routes"].items()}
    return {"kind": arch.kind, **values}
