"""How sub-nets are to be calibrated. Imports nothing that a parser would wait for."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from ..utils.devices import AUTO

if TYPE_CHECKING:
    import torch


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
