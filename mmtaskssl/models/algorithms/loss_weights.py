"""Factors on the losses of a step's sub-nets, whatever these losses are."""

import math
from collections.abc import Mapping, Sequence

from mmtaskssl.subnets import Subnet, cost
from mmtaskssl.utils import checks
from mmtaskssl.utils.families import BadConfigValue

from ..backbones import ElasticBackbone


class LossWeights:
    """What a config says of the weight of each sub-net.

    Args:
        backbone: Has the sub-nets.
        named: By the name of an anchor or a sub-net; ``others`` for those not named, by
            default 1.
        complexity_decay: How much earlier the steps of small nets become small. A
            net's factor is (1 - progress) ** (complexity_decay * s), where s is 0 for
            the most MACs of the space, 1 for the fewest, and linear in their logarithm.
            0: none. Small nets converge first, and go on to move the weights that
            they share with large ones: by idea the complexity-aware learning rate
            of DYNAS (arXiv 2503.10740). As factor on a loss, so that one step serves
            all sub-nets; the form is ours.

    Raises:
        UserError: A negative weight or decay, or a name that is no sub-net's.
    """

    def __init__(
        self,
        backbone: ElasticBackbone,
        named: Mapping[str, float] | None = None,
        complexity_decay: float = 0.0,
    ) -> None:
        weights = dict(named or {})
        if not all(weight >= 0 for weight in weights.values()):
            raise BadConfigValue(f"subnet_loss_weights must be 0 or more: {weights}")
        checks.finite("complexity_decay", complexity_decay, 0)
        self._other = weights.pop("others", 1.0)
        self._named = {backbone.resolve(name): w for name, w in weights.items()}
        self._space, self._decay = backbone.space, complexity_decay

    def __call__(self, subnets: Sequence[Subnet], progress: float) -> list[float]:
        """Returns the factor on each sub-net's loss.

        Args:
            subnets: Of a step.
            progress: Share of the training that has been done, in [0, 1).
        """
        factors = [self._named.get(subnet, self._other) for subnet in subnets]
        if not self._decay:
            return factors
        left = 1 - min(max(progress, 0.0), 1.0)
        return [
            factor * left ** (self._decay * self._smallness(subnet))
            for factor, subnet in zip(factors, subnets, strict=True)
        ]

    def _smallness(self, subnet: Subnet) -> float:
        space = self._space
        most, least, own = (
            math.log(cost(space.arch, one).macs)
            for one in (space.max, space.min, subnet)
        )
        return (most - own) / (most - least) if most > least else 0.0
