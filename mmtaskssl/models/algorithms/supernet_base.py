"""Options of DATA's supernets that do not depend on their self-supervised loss."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch.nn.functional as F
from torch import Tensor

from mmtaskssl.subnets import Subnet
from mmtaskssl.utils.families import BadConfigValue, ConfigUnsuited

from .base import sum_of_pairs, view_pairs
from .taught_by_max import TaughtByMax


@dataclass
class SupernetStep:
    """What the sub-nets of one step share.

    Attributes:
        targets: By sub-net, what its views are compared with, L2-normalised keys or
            projections (N, C), one a view; under MAX what all share, unless each
            sub-net has its own.
        relations: Per view MAX's distribution over what it is compared with
            (N, columns), once MAX has run.
    """

    targets: dict[Subnet, list[Tensor]] = field(default_factory=dict)
    relations: list[Tensor] = field(default_factory=list)


class SupernetAlgorithm(TaughtByMax):
    """A supernet whose sub-nets may imitate MAX, or be their own teachers.

    To be put before one of our two-view algorithms in the bases.

    Distillation in place (US-Nets, arXiv 1903.05134, section 3.3), off by default: a
    sub-net's similarities imitate MAX's for the same view, softmax against softmax as
    in SEED (arXiv 2101.04731, equation 5). MoCo's similarities are those to the key
    and the queue, as in its loss; where there is no queue, our reading takes those of
    the prediction to all targets of the batch, its own among them. Not the embedding
    itself: closeness to MAX's embedding is what the search for a sub-net measures, and
    a measure that was trained for says less.

    ``same_arch``, off by default and by idea as in DATA's public code: the average runs
    the sub-net that is being trained, and not MAX, so each sub-net learns from itself
    alone. How, is ours.

    Args:
        *args: The algorithm's.
        distill_weight: Factor on the distillation term; 0 leaves it out.
        same_arch: Whether the teacher of a sub-net is the average's same sub-net.
        **kwargs: The algorithm's and `ElasticAlgorithm`'s.

    Raises:
        UserError: A negative weight, or ``same_arch`` with distillation from MAX.
    """

    def __init__(
        self,
        *args,
        distill_weight: float = 0.0,
        same_arch: bool = False,
        **kwargs,
    ) -> None:
        super().__init__(*args, **kwargs)
        if distill_weight < 0:
            raise BadConfigValue(
                f"distill_weight must be 0 or more, not {distill_weight}"
            )
        if distill_weight and same_arch:
            raise BadConfigValue(
                "distill_weight makes sub-nets imitate MAX, same_arch takes MAX away "
                "from them: set one of the two"
            )
        self.distill_weight, self.same_arch = distill_weight, same_arch

    def teachers(self) -> list[Subnet]:
        """Returns the sub-nets that the average runs in the current step."""
        return self.subnets_of_step() if self.same_arch else [self.backbone.space.max]

    def teacher_of(self, subnet: Subnet) -> Subnet:
        """Returns the sub-net whose targets ``subnet`` meets."""
        return subnet if self.same_arch else self.backbone.space.max

    def _distill(
        self, logits: Sequence[Tensor], step: SupernetStep, subnet: Subnet
    ) -> dict[str, Tensor]:
        """Cross entropy of a sub-net's similarities under MAX's, mean of the views.

        Args:
            logits: Per view similarities over the temperature (N, columns).
            step: Receives MAX's distributions, or has them.
            subnet: Whose similarities.

        Raises:
            UserError: MAX has not run before.
        """
        if not self.distill_weight:
            return {}
        if subnet == self.backbone.space.max:
            step.relations = [view.detach().softmax(dim=1) for view in logits]
            return {}
        if not step.relations:
            raise ConfigUnsuited(
                "distill_weight needs a subnet_sampler that runs MAX in every step, "
                "such as Sandwich"
            )
        pairs = zip(logits, step.relations, strict=True)
        loss = sum(F.cross_entropy(view, target) for view, target in pairs)
        return {"loss_distill": self.distill_weight * loss / len(logits)}


class PredictingSupernet(SupernetAlgorithm):
    """A supernet whose sub-nets regress a teacher's projections (BYOL, SimSiam).

    Args:
        *args: The algorithm's.
        distill_temperature: Of the similarities to a batch's targets.
        **kwargs: `SupernetAlgorithm`'s.

    Raises:
        UserError: A temperature that is not positive.
    """

    def __init__(self, *args, distill_temperature: float = 0.2, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if distill_temperature <= 0:
            raise BadConfigValue(
                f"distill_temperature must be positive, not {distill_temperature}"
            )
        self.distill_temperature = distill_temperature

    def _regress(
        self,
        projections: Sequence[Tensor],
        step: SupernetStep,
        subnet: Subnet,
        factor: float,
    ) -> dict[str, Tensor]:
        """Returns a sub-net's losses.

        Args:
            projections: Of each view (N, C), whole ones first.
            step: Has the teacher's projections.
            subnet: Whose.
            factor: On the sum of the head's loss over both directions.
        """
        view = self.backbone.norm_view(subnet)
        targets = step.targets[self.teacher_of(subnet)]
        predictions = [self._predict(z, view).float() for z in projections]
        # Each view meets the other whole views' projections.
        loss = factor * sum_of_pairs(self.head.loss, predictions, targets)
        if not self.distill_weight:
            return {"loss": loss}
        predictions = [F.normalize(p, dim=1) for p in predictions]
        normal = [F.normalize(t.detach().float(), dim=1) for t in targets]
        logits = [
            predictions[v] @ normal[w].T / self.distill_temperature
            for v, w in view_pairs(len(predictions), len(normal))
        ]
        return {"loss_regress": loss, **self._distill(logits, step, subnet)}
