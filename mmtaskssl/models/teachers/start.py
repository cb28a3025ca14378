"""The student as it began, as its own teacher."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from mmtaskssl.registry import MODELS
from mmtaskssl.utils.families import TeacherMisfit
from mmtaskssl.weights import weights_sha256

from .base import Taught
from .frozen import FrozenTeacher


@MODELS.register_module()
class StartTeacher(FrozenTeacher):
    """A frozen copy of the student's backbone with the weights that it starts from.

    An elastic one runs its default sub-net, as a rule the largest. Pixels are
    normalised as the student's are. A resumed training takes the start's weights, too.

    Args:
        backbone: The student's; `Distillation` gives it.
        view_size: Side of the images that it is shown, pixels.
        labels: See `Teacher`.
    """

    def __init__(
        self, backbone: nn.Module, view_size: int, labels: str | None = None
    ) -> None:
        digest = "0" * 64  # not known yet
        super().__init__(
            deepcopy(backbone), "start", digest, view_size, None, None, labels=labels
        )
        self._taken = False

    @torch.no_grad()
    def take(self, backbone: nn.Module, name: str) -> None:
        """Takes over what the student starts from.

        Args:
            backbone: The student's, with the start's weights.
            name: Of the start.
        """
        self.body.load_state_dict(backbone.state_dict())
        digest = bytearray.fromhex(weights_sha256(self.body))
        self.sha256.copy_(torch.frombuffer(digest, dtype=torch.uint8))
        self.name = f"start {name}"
        self._taken = True

    def teach(self, images: Tensor | None, data_samples: Sequence[Any]) -> Taught:
        """See `Teacher.teach`.

        Raises:
            UserError: It was not shown the start.
        """
        if not self._taken:
            raise TeacherMisfit(
                "the teacher is what the training starts from, which it was not shown: "
                "leave runner_type out of the config"
            )
        return super().teach(images, data_samples)
