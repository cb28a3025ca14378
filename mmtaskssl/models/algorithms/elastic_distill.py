from typing import Any

from torch import Tensor

from mmtaskssl.registry import MODELS
from mmtaskssl.subnets import Subnet

from .distill import Distill
from .elastic_base import ElasticAlgorithm


@MODELS.register_module()
class ElasticDistill(ElasticAlgorithm, Distill):
    """Slimmable networks and supernets that learn from teachers alone.

    Each sub-net of a step imitates the same answer of a teacher, which is asked once.
    (DNA, arXiv 1911.13053, distils a supernet block by block; here it is the whole.)

    Args:
        *args: Those of `Distill`.
        **kwargs: Those of `Distill` and `ElasticAlgorithm`.
    """

    def subnet_loss(
        self, inputs: list[Tensor], shared: Any, subnet: Subnet
    ) -> dict[str, Tensor]:
        """Returns none of its own, see `Distill.loss`.

        Args:
            inputs: Views.
            shared: None.
            subnet: Of the step.
        """
        return {}
