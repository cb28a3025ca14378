"""The unit that elastic networks are made of: a convolution, then a norm."""

from dataclasses import dataclass, replace

from torch import Tensor, nn

from .channels import Channels
from .norm import WHOLE, NormView, elastic_norm


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """The active part of one convolution and of the norm behind it.

    Forward, export and calibration all read this one description of a sub-net.

    Attributes:
        conv: Name of the convolution in the backbone.
        norm: Name of the norm; None: there is none.
        out: Active outputs of the convolution.
        in_: Active inputs of the convolution.
        view: The active part of the norm.
    """

    conv: str
    norm: str | None
    out: Channels
    in_: Channels
    view: NormView = WHOLE

    def with_statistics(self, mean: Tensor, var: Tensor) -> "Unit":
        """Returns this unit with calibrated statistics."""
        return replace(self, view=replace(self.view, mean=mean, var=var))


Units = dict[str, Unit]
"""The units of one sub-net in order, by the name of their convolution."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The active part of a whole backbone.

    Attributes:
        name: Name of the sub-net.
        depths: Blocks per stage.
        units: Its convolutions.
        statistics: What its norms' statistics were taken from; None: nothing.
        ready: Whether it can be evaluated.
    """

    name: str
    depths: tuple[int, ...]
    units: Units
    statistics: Tensor | None
    ready: bool


def conv_norm(x: Tensor, conv: nn.Module, norm: nn.Module, unit: Unit) -> Tensor:
    """Runs one unit: (N, active inputs, H, W) to (N, active outputs, H', W')."""
    return elastic_norm(norm, conv(x, unit.out, unit.in_), unit.view)
