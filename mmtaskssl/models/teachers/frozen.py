"""A network that teaches."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmtaskssl.utils import checks
from mmtaskssl.utils.families import TeacherMisfit

from ..features import last_map, pooled_feature
from .base import Taught, Teacher

_MEAN, _STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


class FrozenTeacher(Teacher):
    """A network in evaluation mode, shown images of its own resolution.

    It is no sub-module: state dicts, optimizers, DDP and conversions of norms pass it
    by. Moves between devices and layouts reach it.

    Args:
        body: The network; see `pooled_feature` for what it may return.
        name: See `Teacher`.
        sha256: See `Teacher`.
        view_size: Side of the images that it is shown, pixels.
        mean: Per channel, of values 0..255, in ``channel_order``; None: the student's.
        std: As ``mean``.
        channel_order: "rgb" or "bgr".
        labels: See `Teacher`.

    Attributes:
        dense_dim: Channels of its map; None: it has none.

    Raises:
        UserError: It takes no images of that side, or makes no numbers of them.
    """

    def __init__(
        self,
        body: nn.Module,
        name: str,
        sha256: str,
        view_size: int,
        mean: Sequence[float] | None = _MEAN,
        std: Sequence[float] | None = _STD,
        channel_order: str = "rgb",
        labels: str | None = None,
    ) -> None:
        checks.whole("view_size", view_size)
        body.eval()
        body.requires_grad_(False)
        body.to(memory_format=torch.channels_last)
        first = next(body.parameters())
        blank = torch.zeros(1, 3, view_size, view_size, device=first.device)
        try:
            with torch.no_grad():
                seen = run_teacher(body, blank)
        except (AssertionError, RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise TeacherMisfit(
                f"the teacher {name} takes no images of {view_size} px ({reason}): set "
                "distill.teacher.view_size to the side that it is made for, and "
                "store_size of the data set no smaller"
            ) from error
        if not bool(seen.feature.isfinite().all()):
            raise TeacherMisfit(
                f"the teacher {name} makes NaN or infinity of a black image: it has "
                "nothing to teach"
            )
        super().__init__(name, sha256, seen.feature.shape[1], labels)
        self.__dict__["body"] = body
        self.view_size, self.channel_order = view_size, channel_order
        self.mean, self.std = mean, std
        self.dense_dim = None if seen.dense is None else seen.dense.shape[1]

    def teach(self, images: Tensor | None, data_samples: Sequence[Any]) -> Taught:
        """See `Teacher.teach`."""
        images = images.contiguous(memory_format=torch.channels_last)
        return run_teacher(self.body, images)

    def _apply(self, fn: Any, recurse: bool = True) -> "FrozenTeacher":
        self.body._apply(fn)
        return super()._apply(fn, recurse)


def run_teacher(body: nn.Module, images: Tensor) -> Taught:
    """Returns a network's feature of each image, and its map if it has one.

    Args:
        body: In evaluation mode.
        images: (N, 3, S, S).
    """
    if hasattr(body, "forward_features") and hasattr(body, "forward_head"):
        # timm's, built without classifier: its forward gives the pooled feature alone.
        maps = body.forward_features(images)
        feature = body.forward_head(maps)
        is_map = isinstance(maps, Tensor) and maps.dim() == 4
        return Taught(feature, maps if is_map else None)
    output = body(images)
    last = output
    while isinstance(last, list | tuple) and last:
        last = last[-1]
    has_map = isinstance(last, Tensor) and last.dim() == 4
    return Taught(pooled_feature(output), last_map(output) if has_map else None)
