from typing import Any

from torch import Tensor

from mmtaskssl.registry import MODELS
from mmtaskssl.subnets import Subnet

from .distill import Distill
from .routed_base import RoutedAlgorithm, RoutedStep, Views


@MODELS.register_module()
class RoutedDistill(RoutedAlgorithm, Distill):
    """SDR's network, whose paths learn from teachers alone.

    MAX imitates them on all images, each path on those of its cluster; see
    `RoutedAlgorithm` for the batch.

    Args:
        **kwargs: Those of `Distill` and `ElasticAlgorithm`.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, kd_weight=0.0, **kwargs)

    def targets(self, views: Views, subnet: Subnet, step: RoutedStep) -> None:
        """Has none of its own.

        Args:
            views: Of the sub-net's images.
            subnet: MAX or a path.
            step: Left as it is.
        """

    def subnet_loss(
        self, inputs: Views, shared: Any, subnet: Subnet
    ) -> dict[str, Tensor]:
        """Returns none of its own, see `Distill.loss`.

        Args:
            inputs: Views of the joined batch.
            shared: The step's.
            subnet: MAX or a path.
        """
        return {}
