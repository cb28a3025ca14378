from typing import Any

from mmselfsup.models.algorithms.base import BaseModel
from torch import Tensor

from mmtaskssl.registry import MODELS
from mmtaskssl.utils.families import TeacherMisfit

from .base import TwoViewMixin


@MODELS.register_module()
class Distill(TwoViewMixin, BaseModel):
    """A student that learns from teachers alone.

    Beside a self-supervised loss: ``distill=`` of `MoCo`, `BYOL`, `SimSiam` and all
    that is made of them.

    Args:
        backbone: Config of the student.
        distill: Arguments of a `Distillation`, or of several.
        **kwargs: The host's: ``data_preprocessor``, ``init_cfg``.

    Raises:
        UserError: There is no teacher, or all that they say weighs nothing.
    """

    def __init__(self, *args, distill: Any = None, **kwargs) -> None:
        super().__init__(*args, distill=distill, **kwargs)
        if self.distill is None:
            raise TeacherMisfit(
                f"{type(self).__name__} needs a teacher: set model.distill"
            )
        if not any(p.weight and any(p.weights.values()) for p in self.distill):
            raise TeacherMisfit(
                f"{type(self).__name__} learns from teachers alone, and all of theirs "
                "weighs 0: give one a weight"
            )

    def loss(
        self, inputs: Any, data_samples: Any = None, **kwargs
    ) -> dict[str, Tensor]:
        """Returns none of its own: see `TwoViewMixin.forward`.

        Args:
            inputs: Views.
            data_samples: Ignored.
            **kwargs: Ignored.
        """
        return {}
