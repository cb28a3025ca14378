from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from mmtaskssl.registry import MODELS
from mmtaskssl.subnets import Subnet
from mmtaskssl.utils.errors import UserError

from .moco import MoCo
from .taught_by_max import TaughtByMax


@dataclass
class _Step:
    """What the sub-nets of one step share.

    Attributes:
        keys: MAX's L2-normalised keys (N, C); None where each sub-net makes its own.
        relations: MAX's online softmax over the queue (N, queue_len), once it has run.
    """

    keys: Tensor | None
    relations: Tensor | None = None


@MODELS.register_module()
class SupernetMoCo(TaughtByMax, MoCo):
    """MoCo v2 for all sub-nets of an elastic backbone at once: DATA's pre-training.

    Chang et al., CVPR 2022 (arXiv 2203.09041), section 3.2 and the authors' code. The
    key encoder is the average of the whole network and always runs MAX; the query of
    every sampled sub-net is matched to MAX's key by the same InfoNCE. Gradients are
    summed, one optimizer step follows.

    Ours: the average moves, the keys are computed, and the queue is written once a
    step, after its last sub-net. The authors' loop does all three once per sub-net,
    which ``per_subnet_keys`` reproduces: with three sub-nets its average moves three
    times as fast (0.999 becomes 0.997), it computes the same keys three times but for
    that, a query meets its own positive among the negatives, and a queue spans a third
    of the steps.

    Also ours, and off by default: distillation in place (US-Nets, arXiv 1903.05134,
    section 3.3). A sub-net's similarities to the queue imitate MAX's for the same
    view, softmax against softmax as in SEED (arXiv 2101.04731, equation 5), at the
    head's temperature. Not the embedding itself: closeness to MAX's embedding is what
    the search for a sub-net measures, and a measure that was trained for says less.

    Args:
        per_subnet_keys: Whether to run the authors' loop.
        distill_weight: Factor on the distillation term; 0 leaves it out.
        **kwargs: Those of `MoCo` and `ElasticAlgorithm`; ``neck`` is an
            `ElasticNonLinearNeck`.

    Raises:
        UserError: A negative weight.
    """

    def __init__(
        self,
        *args,
        per_subnet_keys: bool = False,
        distill_weight: float = 0.0,
        **kwargs,
    ) -> None:
        super().__init__(*args, **kwargs)
        if distill_weight < 0:
            raise UserError(f"distill_weight must be 0 or more, not {distill_weight}")
        self.per_subnet_keys = per_subnet_keys
        self.distill_weight = distill_weight

    def prepare(self, inputs: list[Tensor], data_samples=None) -> _Step:
        """Moves the average and computes MAX's keys.

        Args:
            inputs: Query and key views, each (N, 3, H, W).
            data_samples: Ignored.
        """
        return _Step(None if self.per_subnet_keys else self._keys(inputs[1]))

    def subnet_loss(
        self, inputs: list[Tensor], shared: _Step, subnet: Subnet
    ) -> dict[str, Tensor]:
        """InfoNCE of a sub-net's queries against MAX's keys and the queue.

        Args:
            inputs: Query and key views, each (N, 3, H, W).
            shared: The step's.
            subnet: Makes the queries.

        Returns:
            ``loss``; with distillation ``loss_contrast`` and, but for MAX,
            ``loss_distill``.

        Raises:
            UserError: Distillation, but MAX has not run before.
        """
        q = F.normalize(self.project(inputs[0], subnet).float(), dim=1)  # (N, C)
        keys, queue = shared.keys, self.queue
        if self.per_subnet_keys:
            keys = self._own_keys(inputs[1])
            queue = queue.clone()  # rewritten below, before the backward pass
        with torch.autocast(q.device.type, enabled=False):
            positive = (q * keys).sum(dim=1, keepdim=True)  # (N, 1)
            negative = q @ queue  # (N, queue_len)
            losses = {"loss": self.head(positive, negative)}
            if self.distill_weight:
                losses = {"loss_contrast": losses["loss"]}
                losses |= self._distill(negative, shared, subnet)
        if self.per_subnet_keys:
            self._dequeue_and_enqueue(keys)
        return losses

    def finish(self, shared: _Step) -> None:
        """Writes the step's keys to the queue.

        Args:
            shared: The step's.
        """
        if shared.keys is not None:
            self._dequeue_and_enqueue(shared.keys)

    @torch.no_grad()
    def _own_keys(self, images: Tensor) -> Tensor:
        self.encoder_k.move(self.backbone, self.neck)
        return self._encode_keys(images)

    def _distill(
        self, negative: Tensor, shared: _Step, subnet: Subnet
    ) -> dict[str, Tensor]:
        """Cross-entropy of a sub-net's similarities (N, queue_len) under MAX's."""
        logits = negative / self.head.temperature
        if subnet == self.backbone.space.max:
            shared.relations = logits.detach().softmax(dim=1)
            return {}
        if shared.relations is None:
            raise UserError(
                "distill_weight needs a subnet_sampler that runs MAX in every step, "
                "such as Sandwich"
            )
        loss = F.cross_entropy(logits, shared.relations)
        return {"loss_distill": self.distill_weight * loss}
