"""How sub-nets are to be calibrated. Imports nothing that a parser would wait for."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from ..utils import checks
from ..utils.devices import AUTO

if TYPE_CHECKING:
    import torch


# Pixels; a smaller crop shows nothing of an image.
_SMALLEST = 8


@dataclasses.dataclass(frozen=True)
class Options:
    """What a calibration depends on beside network, sub-nets and images.

    See `calibrate`.
    """

    num_images: int | None = None
    batch_size: int = 64
    image_size: int | None = None
    seed: int = 0
    root: str | os.PathLike | None = None
    alone: bool = False
    source: Literal["online", "ema"] = "online"
    trust: bool = False
    cfg_options: Mapping[str, Any] | None = None
    device: str | torch.device = AUTO

    def __post_init__(self) -> None:
        checks.whole("num_images", self.num_images, none=True)
        checks.whole("batch_size", self.batch_size, 2)
        checks.whole("image_size", self.image_size, _SMALLEST, none=True)
        checks.seed(self.seed)
        checks.path_like("root", self.root, none=True)
