"""A start at a resolution: what inference costs, and what a training config needs."""

import bisect
import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import torch

from ...datasets.eval_transform import EvalTransform
from ...models.backbones.library import is_library_name
from ...networks import Network
from ...subnets import Cost
from ...utils.budgets import Budget
from ...utils.families import NetworkMisfit, NoWeights
from ..starts import Start

#: Sides are multiples of it, as the strides of most networks divide them.
STEP = 8
#: No smaller images: four positions in the last map of a network of stride 16.
LEAST_SIDE = 32


@dataclasses.dataclass(frozen=True, eq=False)
class Body:
    """A network, and the side of the images that it is to see.

    Attributes:
        start: It, with the weights that it begins with.
        side: Pixels.
    """

    start: Start
    side: int

    @functools.cached_property
    def network(self) -> Network:
        """The network as it starts."""
        return opened(self.start)

    @functools.cached_property
    def cost(self) -> Cost:
        """Of one image at the side."""
        return self.network.cost(shape=self.side)

    @property
    def backbone(self) -> dict[str, Any]:
        """The backbone's config for a training.

        Raises:
            UserError: It has none: an architecture that no config of ours names.
        """
        name = self.start.text.partition("=")[0]
        if is_library_name(name):
            library, _, model = name.partition(":")
            kinds = {"timm": "TimmBackbone", "torchvision": "TorchvisionBackbone"}
            return {"type": f"mmtaskssl.{kinds[library]}", "name": model}
        if not self.network.body:
            raise NoWeights(
                f"start {self.start.text} has no config to train it by: name one, "
                "CONFIG=CHECKPOINT"
            )
        return dict(self.network.body)

    @functools.cached_property
    def output(self) -> tuple[int, bool]:
        """Channels of the last output in training, and whether it is a map."""
        from ...registry import MODELS  # builds, with the hosts at hand

        with torch.random.fork_rng(devices=[]):
            backbone = MODELS.build(self.backbone).eval()
        with torch.no_grad():
            found = backbone(torch.zeros(2, 3, self.side, self.side))
        last = found[-1] if isinstance(found, tuple | list) else found
        if not isinstance(last, torch.Tensor) or last.dim() not in (2, 4):
            raise NetworkMisfit(
                f"start {self.start.text} gives neither a map nor a feature: it cannot "
                "be continued here"
            )
        return last.shape[1], last.dim() == 4

    @property
    def pixels(self) -> Mapping[str, Any]:
        """Mean, standard deviation and channel order that it expects."""
        return self.network.preprocessing.options()

    @property
    def transform(self) -> EvalTransform:
        """How images are made for it."""
        return dataclasses.replace(self.network.preprocessing, image_size=self.side)

    def at(self, side: int) -> "Body":
        """Returns the same start at another side."""
        return dataclasses.replace(self, side=side)

    def spends(self, kind: str) -> float:
        """Returns its cost, in the unit of a `Budget` of this kind."""
        if kind == "latency":
            return self.network.latency(shape=self.side).median
        return float(self.cost.macs if kind == "macs" else self.cost.params)


def fitting(start: Start, budget: Budget, largest: int) -> Body | None:
    """Returns a start at the largest side that a budget pays for.

    Args:
        start: Trained weights.
        budget: A band of costs.
        largest: No larger side.

    Returns:
        None: no side's cost is within the band.
    """
    if budget.kind == "params":  # of which no side changes any
        body = Body(start, max(LEAST_SIDE, largest // STEP * STEP))
        return body if body.spends(budget.kind) in budget else None
    bodies = [Body(start, side) for side in range(LEAST_SIDE, largest + 1, STEP)]
    above = bisect.bisect_left(
        bodies, True, key=lambda body: body.spends(budget.kind) >= budget.high
    )
    if above == 0 or bodies[above - 1].spends(budget.kind) not in budget:
        return None
    return bodies[above - 1]


@functools.lru_cache(maxsize=8)
def opened(start: Start) -> Network:
    """Opens a start once."""
    return start.open()
