"""A built-in case: an elastic network with the cheapest loss there is."""

from collections.abc import Sequence

import torch.nn.functional as F
from mmselfsup.models.algorithms.base import BaseModel
from torch import Tensor

from mmtaskssl.models.algorithms import ElasticAlgorithm
from mmtaskssl.models.algorithms.momentum import MomentumEncoder
from mmtaskssl.models.elastic import ElasticLinear
from mmtaskssl.subnets import SearchSpace, Subnet, SubnetSampler

CASES = {
    "small": {"space": "data_basic", "size": 64, "batch": 64},
    "r50": {"space": "data_bottleneck", "size": 224, "batch": 64},
}
"""Search space, side of the images and batch of each case."""


class CaseModel(ElasticAlgorithm, BaseModel):
    """The cheapest loss that has all of a step's parts."""

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        channels = self.backbone.out_channels("MAX")[-1]
        self.project = ElasticLinear(channels, channels)
        self.teacher = MomentumEncoder(self.backbone, momentum=0.99)

    def prepare(self, inputs: list[Tensor], data_samples=None) -> Tensor:
        """Returns the teacher's features (N, C) of the second view."""
        self.teacher.update(self.backbone)
        return self.teacher(inputs[1])[-1].mean(dim=(2, 3))

    def subnet_loss(self, inputs, shared, subnet) -> dict[str, Tensor]:
        """Negative cosine of the first view's features to the teacher's."""
        z = self.project(self.backbone(inputs[0], subnet)[-1].mean(dim=(2, 3)))
        return {"loss": -F.cosine_similarity(z.float(), shared.float()).mean()}


class FixedSubnets(SubnetSampler):
    """The same sub-nets in every step."""

    def __init__(self, space: SearchSpace, subnets: Sequence[Subnet]) -> None:
        super().__init__(space)
        self.subnets = list(subnets)

    def sample(self, step: int, max_steps: int) -> list[Subnet]:
        """See `SubnetSampler`."""
        return list(self.subnets)


def build_case(name: str, size: int | None = None) -> CaseModel:
    """Builds the model of a case.

    Args:
        name: One of `CASES`.
        size: Side of the images, instead of the case's.
    """
    case = CASES[name]
    backbone = {"type": "mmtaskssl.DynamicResNet", "space": case["space"]}
    preprocessor = {
        "type": "mmtaskssl.TwoViewPreprocessor",
        "view_size": size or case["size"],
    }
    return CaseModel(
        backbone=backbone | {"out_indices": (3,)},
        data_preprocessor=preprocessor,
        subnet_sampler={"type": "Sandwich"},
    )
