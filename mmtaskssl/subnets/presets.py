"""The named search spaces."""

from collections.abc import Callable, Sequence

from ..utils.families import BadSpace
from .arch import MobileNetV3Arch, ResNetArch, Routes, round_channels
from .grid_space import GridSpace
from .list_space import ListSpace
from .space import SearchSpace
from .spec import ALL, Subnet

_DEPTHS = {
    10: (1, 1, 1, 1),
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
}


def data_bottleneck() -> GridSpace:
    """The 85,293 bottleneck ResNets of DATA (Chang et al., CVPR 2022).

    The choices are those of the authors' code; R50's third depth, 6, is off the grid.
    """
    return GridSpace(
        ResNetArch("bottleneck"),
        stem=(32, 48, 64),
        widths=((48, 64, 80), (96, 128, 160), (192, 256, 320), (384, 512, 640)),
        depths=((2, 3, 4), (2, 4, 6), tuple(range(5, 30, 2)), (2, 3, 4)),
        anchors={
            "R50": "s64-w64.128.256.512-d3.4.6.3",
            "R77": "s64-w64.128.256.512-d3.4.15.3",
            "R101": "s64-w64.128.256.512-d3.4.23.3",
        },
    )


def data_basic(stem_kernel: int = 7) -> GridSpace:
    """A basic-block relative of the DATA space, for small images and small machines.

    5,832 nets around a half-wide ResNet-18 (anchor ``R18``), from 0.3 to 5 M
    parameters. Our choice; it is in no paper.

    Args:
        stem_kernel: 7, or 3 for images of about 32 pixels.
    """
    return GridSpace(
        ResNetArch("basic", stem_kernel),
        stem=(16, 24, 32),
        widths=((24, 32, 40), (48, 64, 80), (96, 128, 160), (192, 256, 320)),
        depths=((1, 2), (1, 2), (1, 2, 3), (1, 2)),
        anchors={"R18": "s32-w32.64.128.256-d2.2.2.2"},
    )


def data_basic_wide(stem_kernel: int = 7) -> GridSpace:
    """As `data_basic`, with the same largest net, from a 36th of its MACs on.

    60,000 nets, from 0.08 M parameters; those of equal cost differ more. Our choice.

    Args:
        stem_kernel: See `data_basic`.
    """
    return GridSpace(
        ResNetArch("basic", stem_kernel),
        stem=(8, 16, 24, 32),
        widths=(
            (8, 16, 24, 32, 40),
            (16, 32, 48, 64, 80),
            (32, 64, 96, 128, 160),
            (64, 128, 192, 256, 320),
        ),
        depths=((1, 2), (1, 2), (1, 2, 3), (1, 2)),
        anchors={"R18": "s32-w32.64.128.256-d2.2.2.2"},
    )


def slimmable_resnet(
    depth: int = 50,
    widths: Sequence[float] = (1.0, 0.75, 0.5, 0.25),
    divisor: int | None = None,
    stem_kernel: int = 7,
) -> ListSpace:
    """A ResNet at several widths (DSPNet, arXiv 2207.06075); anchors ``0.75`` etc.

    Args:
        depth: 10, 18, 34, 50 or 101.
        widths: Factors on every channel count; 1 must be among them.
        divisor: See `round_channels`: None for a fixed list, 8 for arbitrary widths.
        stem_kernel: 7, or 3 for small images.

    Raises:
        UserError: The depth or a width is not supported.
    """
    arch, stages = ResNetArch(_block(depth), stem_kernel), _DEPTHS[depth]

    def slim(width: float) -> Subnet:
        stem, *inner = (
            round_channels(channels, width, divisor)
            for channels in (64, 64, 128, 256, 512)
        )
        return Subnet(stem, tuple(inner), stages)

    return _slimmable(arch, widths, slim)


def slimmable_mobilenet_v3(
    widths: Sequence[float] = (1.0, 0.75, 0.5, 0.35), divisor: int | None = None
) -> ListSpace:
    """MobileNetV3-Large at several widths; anchors ``0.75`` etc.

    Args:
        widths: Factors on every channel count; 1 must be among them.
        divisor: See `round_channels`: None for a fixed list, 8 for torchvision's
            shapes and for arbitrary widths.

    Raises:
        UserError: A width is not supported.
    """
    arch = MobileNetV3Arch(divisor)
    full = arch.full

    def slim(width: float) -> Subnet:
        return Subnet(full.stem, full.widths, full.depths, multiplier=width)

    return _slimmable(arch, widths, slim)


def routed_resnet(
    depth: int = 50,
    style: str = "compact",
    groups: int | Sequence[int] = 4,
    base_width: int = 64,
    stem_kernel: int = 7,
) -> GridSpace:
    """The paths of a routed ResNet (SDR, arXiv 2205.13267): by default 4 ** 4 of them.

    Half of a stage's inner channels are shared. In the ``compact`` style the groups
    split the other half, so that all groups together are a plain ResNet. In the
    ``export`` style each group is as wide as the shared half, so that each *path* is
    a plain ResNet. The members are the paths; MAX, all groups, has no path.

    Args:
        depth: 10, 18, 34, 50 or 101.
        style: "compact" or "export".
        groups: Individual groups, the same in all stages or one number per stage; a
            stage with one is not split, all paths share it.
        base_width: Inner width of the first stage of the plain ResNet; 64 is usual.
        stem_kernel: 7, or 3 for small images.

    Raises:
        UserError: A value is not supported.
    """
    block = _block(depth)
    groups = [groups] * 4 if isinstance(groups, int) else list(groups)
    if len(groups) != 4 or min(groups) < 1 or max(groups) < 2:
        raise BadSpace(
            f"some stage needs at least 2 groups, all of them one or more, unlike "
            f"groups {_dotted(groups)}; give one number, or one for each of 4 stages"
        )
    if style not in ("compact", "export"):
        raise BadSpace(f"style must be 'compact' or 'export', not {style!r}")
    widths = [base_width * 2**stage for stage in range(4)]
    parts = [2 * n if style == "compact" else 2 for n in groups]
    if any(width % part for width, part in zip(widths, parts, strict=True)):
        raise BadSpace(
            f"{_dotted(groups)} groups of {style} style do not divide a base width of "
            f"{base_width}; take a base width that is a multiple of {max(parts)}"
        )
    expansion = 4 if block == "bottleneck" else 1
    routes = Routes(
        shared=tuple(width // 2 for width in widths),
        group=tuple(width // part for width, part in zip(widths, parts, strict=True)),
        groups=tuple(groups),
        stream=tuple(expansion * width for width in widths),
    )
    return GridSpace(
        ResNetArch(block, stem_kernel, routes),
        stem=(base_width,),
        widths=[(width,) for width in routes.widths],
        depths=[(blocks,) for blocks in _DEPTHS[depth]],
        paths=[range(n) if n > 1 else (ALL,) for n in groups],
    )


PRESETS: dict[str, Callable[..., SearchSpace]] = {
    "data_bottleneck": data_bottleneck,
    "data_basic": data_basic,
    "data_basic_wide": data_basic_wide,
    "slimmable_resnet": slimmable_resnet,
    "slimmable_mobilenet_v3": slimmable_mobilenet_v3,
    "routed_resnet": routed_resnet,
}
"""Functions that make the named spaces; their arguments are a config's other keys."""


def _dotted(numbers: Sequence[int]) -> str:
    return ".".join(map(str, numbers))


def _block(depth: int) -> str:
    if depth not in _DEPTHS:
        known = ", ".join(map(str, _DEPTHS))
        raise BadSpace(f"a ResNet's depth must be one of {known}, not {depth!r}")
    return "bottleneck" if depth >= 50 else "basic"


def _slimmable(
    arch: ResNetArch | MobileNetV3Arch,
    widths: Sequence[float],
    slim: Callable[[float], Subnet],
) -> ListSpace:
    widths = sorted(widths, reverse=True)
    if not widths or widths[0] != 1 or widths[-1] <= 0:
        raise BadSpace(
            f"slimmable widths must lie in (0, 1] and contain 1, unlike {widths}"
        )
    nets = {f"{width:g}": slim(width) for width in widths}
    # Rounding may make one net of two close widths.
    return ListSpace(arch, list(dict.fromkeys(nets.values())), nets)
