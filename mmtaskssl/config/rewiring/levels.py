"""Which stages of an export stand for the feature maps of another network."""

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...models.backbones.library_backbone import library_config
from ..export_info import ExportInfo

# Types whose options number, stride and dilate stages as ours do.
_RESNETS = re.compile(r"(.*\.)?\w*(ResNe|Res2Net|RegNet|SCNet)\w*$")
_STRIDES = (4, 8, 16, 32)
# A stage that keeps more resolution than that costs more than it brings.
_FINEST = 8


@dataclass(frozen=True)
class Levels:
    """Stages, and how coarse they are to be.

    Attributes:
        read: Stages that are read, counted from 0 for the one of stride 4.
        strides: Of the maps of all stages.
        off: How many halvings the maps that are read are away from the wanted ones.
    """

    read: tuple[int, ...]
    strides: tuple[int, ...]
    off: float

    @property
    def stage_strides(self) -> tuple[int, ...]:
        """By how much each stage makes its map coarser."""
        steps = zip(self.strides, self.strides[1:], strict=False)
        return (1, *(after // before for before, after in steps))

    @property
    def dilations(self) -> tuple[int, ...]:
        """Of the stages, in the place of the strides that they do not have."""
        natural = _STRIDES[: len(self.strides)]
        return tuple(n // s for n, s in zip(natural, self.strides, strict=True))


def is_resnet(backbone: Mapping[str, Any]) -> bool:
    """Whether a host's backbone has the options of a ResNet, and means them so.

    Args:
        backbone: Its config.
    """
    kind = backbone.get("type")
    return kind is None or _RESNETS.match(str(kind)) is not None


def fitting_levels(export: ExportInfo, wanted: Sequence[int]) -> Levels | None:
    """Returns the stages whose maps are as coarse as the wanted ones, or nearly so.

    Args:
        export: Its stages are dilated as far as its network allows.
        wanted: Strides of the maps.

    Returns:
        None: no stages of one network have such strides: some maps are finer than
        those before, or there are more than the export has stages.
    """
    count = len(export.pyramid)
    if list(wanted) != sorted(wanted) or not 0 < len(wanted) <= count:
        return None
    found = []
    for strides in _possible(export, count):
        dilated = sum(n != s for n, s in zip(_STRIDES, strides, strict=False))
        for read in itertools.combinations(range(count), len(wanted)):
            off = sum(
                abs(math.log2(strides[level] / stride))
                for level, stride in zip(read, wanted, strict=True)
            )
            # The last stage knows most; a head that reads one map reads that one.
            early = read[-1] != count - 1
            if early and len(wanted) == 1:
                continue
            rank = (round(off, 3), early, dilated, -sum(read))
            found.append((rank, Levels(read, strides, round(off, 3))))
    return min(found, key=lambda one: one[0])[1]


def _possible(export: ExportInfo, count: int) -> Iterator[tuple[int, ...]]:
    """Yields the strides of the stages that a network can be built with."""
    natural = _STRIDES[:count]
    kind = str(export.plain_network["type"])
    if kind.endswith("SubnetResNet"):
        for steps in itertools.product((1, 2), repeat=count - 1):
            strides = [natural[0]]
            for step in steps:
                strides.append(strides[-1] * step)
            if count == 1 or strides[-1] >= _FINEST:
                yield tuple(strides)
        return
    yield natural
    if kind.endswith("SubnetMobileNetV3") or library_config(export.plain_network) == (
        "timm"
    ):
        for last in (16, 8):
            if last < natural[-1]:
                yield tuple(min(stride, last) for stride in natural)
