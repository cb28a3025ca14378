from typing import Any

import torch

from mmtaskssl.registry import MODELS
from mmtaskssl.subnets import Subnet

from .base import WHOLE
from .simsiam import SimSiam
from .slimmable_base import PredictingAlgorithm


@MODELS.register_module()
class SlimmableSimSiam(PredictingAlgorithm, SimSiam):
    """SimSiam at several widths.

    There is no averaged network: the sub-nets regress the base's own projections of
    the same step, which receive no gradient from them. With a search space of one
    sub-net this is `SimSiam`, bit for bit.

    Args:
        *args: Those of `SimSiam`.
        **kwargs: Those of `SimSiam`, `PredictingAlgorithm`, `SlimmableAlgorithm` and
            `ElasticAlgorithm`.
    """

    def prepare(self, inputs: list[torch.Tensor], data_samples=None) -> dict[str, Any]:
        """Computes the base's projections where no sub-net of this step does.

        Args:
            inputs: Two views, each (N, 3, H, W).
            data_samples: Ignored.

        Returns:
            ``targets``: what views but its own regress, of each whole view (N, C);
            empty if the base runs in this step.
        """
        if any(map(self.is_base, self.subnets_of_step())):
            return {}
        largest = self.backbone.space.max
        return {"targets": [self.project(view, largest) for view in inputs[:WHOLE]]}

    def subnet_loss(
        self, inputs: list[torch.Tensor], shared: dict[str, Any], subnet: Subnet
    ) -> dict[str, torch.Tensor]:
        """Symmetric negative cosine to the base's projection of the other view.

        Args:
            inputs: Two views, each (N, 3, H, W).
            shared: What `prepare` returned; the base leaves its projections here.
            subnet: The width.

        Returns:
            As `SlimmableBYOL.subnet_loss`.
        """
        projections = [self.project(view, subnet) for view in inputs]
        if self.is_base(subnet):
            shared["targets"] = [z.detach() for z in projections[:WHOLE]]
        return self._views_loss(projections, shared["targets"], shared, subnet, 0.5)
