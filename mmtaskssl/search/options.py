"""What a search compares, on what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..utils.devices import AUTO


@dataclass(frozen=True)
class SearchOptions:
    """What scores and costs depend on, beside the network and the images.

    Attributes:
        metrics: Names; strategies that learn from scores follow the first.
        num_images: How many images are drawn.
        bn_images: How many of them give batch norms their statistics.
        batch_size: Images at a time beyond those.
        image_size: Side of the crop; None: the config's view size.
        shape: Height and width of the image that costs are counted for; None: the side
            that the network sees.
        teacher: A network, or a store with its features of the images; None: there is
            none to compare with.
        teacher_bn: See `Scorer`.
        seed: Of the draw of images and of the intervals.
        resamples: Draws of the bootstrap.
        device: Where to compute; see `pick_device`.
        root: Folder that listed paths are relative to.
        cfg_options: Changes to the config.
        trust: Load a checkpoint even if that runs code in it.
    """

    metrics: Sequence[str] = ("global",)
    num_images: int = 512
    bn_images: int = 256
    batch_size: int = 256
    image_size: int | None = None
    shape: tuple[int, int] | None = None
    teacher: Any = None
    teacher_bn: str = "images"
    seed: int = 0
    resamples: int = 1000
    device: str = AUTO
    root: str | None = None
    cfg_options: Mapping[str, Any] | None = None
    trust: bool = False
