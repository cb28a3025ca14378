import torch
import torch.nn.functional as F
from torch import Tensor

from mmtaskssl.registry import MODELS
from mmtaskssl.subnets import Subnet
from mmtaskssl.utils.families import BadConfigValue

from .base import mean_of
from .moco import MoCo, query_views
from .supernet_base import SupernetAlgorithm, SupernetStep


@MODELS.register_module()
class SupernetMoCo(SupernetAlgorithm, MoCo):
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

    With ``same_arch`` (see `SupernetAlgorithm`) the keys of image n in the queue are
    those of the step's sub-net n modulo their number: so the negatives are of the same
    networks as the positives, and the queue spans as many steps as without.

    Args:
        per_subnet_keys: Whether to run the authors' loop.
        **kwargs: Those of `MoCo`, `SupernetAlgorithm` and `ElasticAlgorithm`; ``neck``
            is an `ElasticNonLinearNeck`.

    Raises:
        UserError: The authors' loop with distillation, whose sub-nets meet other keys
            than MAX did.
    """

    def __init__(self, *args, per_subnet_keys: bool = False, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if per_subnet_keys and self.distill_weight:
            raise BadConfigValue(
                "with per_subnet_keys each sub-net meets other keys and another queue "
                "than MAX, whose similarities distill_weight makes it imitate: set one "
                "of the two"
            )
        self.per_subnet_keys = per_subnet_keys

    def prepare(self, inputs: list[Tensor], data_samples=None) -> SupernetStep:
        """Moves the average and computes the keys of the step's teachers.

        Args:
            inputs: Query and key views, each (N, 3, H, W).
            data_samples: Ignored.
        """
        if self.per_subnet_keys:
            return SupernetStep()
        largest = self.backbone.space.max
        if not self.same_arch:
            return SupernetStep({largest: [self._keys(inputs[1])]})
        self.encoder_k.update(self.backbone, self.neck)
        return SupernetStep(
            {
                subnet: [self._encode_keys(inputs[1], subnet)]
                for subnet in self.teachers()
            }
        )

    def subnet_loss(
        self, inputs: list[Tensor], shared: SupernetStep, subnet: Subnet
    ) -> dict[str, Tensor]:
        """InfoNCE of a sub-net's queries against its teacher's keys and the queue.

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
        queries = [self.project(view, subnet) for view in query_views(inputs)]
        queue = self.queue
        if self.per_subnet_keys:
            keys = self._own_keys(inputs[1], subnet)
            queue = queue.clone()  # rewritten below, before the backward pass
        else:
            (keys,) = shared.targets[self.teacher_of(subnet)]
        with torch.autocast(keys.device.type, enabled=False):
            contrasts, logits = [], []
            for query in queries:
                q = F.normalize(query.float(), dim=1)  # (N, C)
                positive = (q * keys).sum(dim=1, keepdim=True)  # (N, 1)
                negative = q @ queue  # (N, queue_len)
                contrasts.append(self._contrast(positive, negative))
                if self.distill_weight:
                    both = torch.cat([positive, negative], dim=1)
                    logits.append(both / self.head.temperature)
            losses = {"loss": mean_of(contrasts)}
            if self.distill_weight:
                losses = {"loss_contrast": losses["loss"]}
                losses |= self._distill(logits, shared, subnet)
        if self.per_subnet_keys:
            self._dequeue_and_enqueue(keys)
        return losses

    def finish(self, shared: SupernetStep) -> None:
        """Writes the step's keys to the queue.

        Args:
            shared: The step's.
        """
        keys = [keys for (keys,) in shared.targets.values()]
        if keys:
            rows = torch.arange(len(keys[0]), device=keys[0].device)
            self._dequeue_and_enqueue(torch.stack(keys)[rows % len(keys), rows])

    @torch.no_grad()
    def _own_keys(self, images: Tensor, subnet: Subnet) -> Tensor:
        self.encoder_k.move(self.backbone, self.neck)
        return self._encode_keys(images, *([subnet] if self.same_arch else []))
