from typing import Any

import torch

from mmtaskssl.registry import MODELS
from mmtaskssl.subnets import Subnet

from .byol import BYOL
from .slimmable_base import PredictingAlgorithm


@MODELS.register_module()
class SlimmableBYOL(PredictingAlgorithm, BYOL):
    """One BYOL pre-training of a network at several widths: DSPNet.

    The target network is the average of the full-width online network. It runs once a
    view and step, and all widths regress its projections: the base through the
    predictor, which is plain BYOL, the sub-nets through the auxiliary one. With a
    search space of one sub-net this is `BYOL`, bit for bit.

    Args:
        *args: Those of `BYOL`.
        **kwargs: Those of `BYOL`, `PredictingAlgorithm`, `SlimmableAlgorithm` and
            `ElasticAlgorithm`.
    """

    def prepare(self, inputs: list[torch.Tensor], data_samples=None) -> dict[str, Any]:
        """Moves the target network, then runs it on both views.

        Args:
            inputs: Two views, each (N, 3, H, W).
            data_samples: Ignored.

        Returns:
            ``targets``: what views but its own regress, of each whole view (N, C).
        """
        return {"targets": self._targets(inputs)}

    def subnet_loss(
        self, inputs: list[torch.Tensor], shared: dict[str, Any], subnet: Subnet
    ) -> dict[str, torch.Tensor]:
        """Symmetric regression of the target's projection.

        Args:
            inputs: Two views, each (N, 3, H, W).
            shared: What `prepare` returned.
            subnet: The width.

        Returns:
            ``loss``; of a sub-net of ``dsp_plus`` ``loss_same_view``; of the base
            ``loss_groups`` where it is regularised.
        """
        projections = [self.project(view, subnet) for view in inputs]
        return self._views_loss(projections, shared["targets"], shared, subnet, 2)
