from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from mmtaskssl.registry import MODELS
from mmtaskssl.subnets import Subnet
from mmtaskssl.utils import checks
from mmtaskssl.utils.families import ConfigUnsuited, TeacherMisfit

from .distill import Distill
from .elastic_base import ElasticAlgorithm


@MODELS.register_module()
class ElasticDistill(ElasticAlgorithm, Distill):
    """Slimmable networks and supernets that learn from teachers alone.

    Each sub-net of a step imitates the same answer of a teacher, which is asked once.
    (DNA, arXiv 1911.13053, distils a supernet block by block; here it is the whole.)

    With ``distill_weight`` sub-nets imitate MAX's answer for the same crop, too: one
    minus the cosine between what the first teacher's head makes of both. That is
    distillation in place (US-Nets, arXiv 1903.05134, section 3.3) by features. A
    likeness to MAX is then trained for, and says less of a sub-net.

    Args:
        *args: Those of `Distill`.
        distill_weight: Factor on that term; 0 leaves it out.
        **kwargs: Those of `Distill` and `ElasticAlgorithm`.

    Raises:
        UserError: A negative weight, or one where there is no head.
    """

    def __init__(self, *args, distill_weight: float = 0.0, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        checks.finite("distill_weight", distill_weight, 0)
        if distill_weight and self.distill[0].head is None:
            raise TeacherMisfit(
                "distill_weight compares what the head makes of sub-nets and of MAX: "
                "set distill.head=dict()"
            )
        self.distill_weight = distill_weight

    def prepare(self, inputs: Any, data_samples: Any = None) -> list[Tensor]:
        """Returns where MAX's answers come to lie, one a view.

        Args:
            inputs: Views.
            data_samples: Ignored.
        """
        return []

    def subnet_loss(
        self, inputs: list[Tensor], shared: Any, subnet: Subnet
    ) -> dict[str, Tensor]:
        """Returns none of its own, see `Distill.loss`.

        Args:
            inputs: Views.
            shared: See `prepare`.
            subnet: Of the step.
        """
        return {}

    def _losses(
        self, inputs: list[Tensor], shared: list[Tensor], subnet: Subnet, taught: Any
    ) -> dict[str, Tensor]:
        if not self.distill_weight:
            return super()._losses(inputs, shared, subnet, taught)
        answers: list[Tensor] = []
        handle = self.distill[0].head.register_forward_hook(
            lambda _, inputs, outputs: answers.append(outputs[0])
        )
        try:
            losses = super()._losses(inputs, shared, subnet, taught)
        finally:
            handle.remove()
        if subnet == self.backbone.space.max:
            shared[:] = [answer.detach() for answer in answers]
            return losses
        if not shared:
            raise ConfigUnsuited(
                "distill_weight needs a subnet_sampler that runs MAX in every step, "
                "such as Sandwich"
            )
        return losses | {"loss_distill": self.distill_weight * _apart(answers, shared)}


def _apart(answers: Sequence[Tensor], targets: Sequence[Tensor]) -> Tensor:
    """Mean over views of one minus the mean cosine, in float32."""
    cosines = [
        F.cosine_similarity(a.float(), b.float(), dim=1).mean()
        for a, b in zip(answers, targets, strict=True)
    ]
    return 1 - sum(cosines[1:], cosines[0]) / len(cosines)
