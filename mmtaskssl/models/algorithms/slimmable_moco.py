from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mmtaskssl.registry import MODELS
from mmtaskssl.subnets import Subnet

from .base import mean_of
from .moco import MoCo, query_views
from .slimmable_base import SlimmableAlgorithm


@MODELS.register_module()
class SlimmableMoCo(SlimmableAlgorithm, MoCo):
    """MoCo v2 at several widths.

    The key encoder is the average of the full-width online network. All widths'
    queries meet the same keys and the same queue. In the preset ``dsp_plus`` a
    sub-net also learns the base's distribution over key and queue (SlimCLR, IJCV
    2024, calls this online distillation). With a search space of one sub-net this is
    `MoCo`, bit for bit.

    Args:
        *args: Those of `MoCo`.
        **kwargs: Those of `MoCo`, `SlimmableAlgorithm` and `ElasticAlgorithm`.
    """

    def prepare(self, inputs: list[Tensor], data_samples=None) -> dict[str, Any]:
        """Moves the key encoder, then runs it on the second view.

        Args:
            inputs: Query and key views, each (N, 3, H, W).
            data_samples: Ignored.

        Returns:
            ``keys`` (N, C), normalised.
        """
        return {"keys": self._keys(inputs[1])}

    def subnet_loss(
        self, inputs: list[Tensor], shared: dict[str, Any], subnet: Subnet
    ) -> dict[str, Tensor]:
        """InfoNCE of a width's queries.

        Args:
            inputs: Query and key views, each (N, 3, H, W).
            shared: What `prepare` returned.
            subnet: The width.

        Returns:
            As `SlimmableBYOL.subnet_loss`.

        Raises:
            UserError: More keys than places in the queue.
        """
        projections = [self.project(view, subnet) for view in query_views(inputs)]
        with torch.autocast(projections[0].device.type, enabled=False):
            losses, logits = [], []
            for projection in projections:
                q = F.normalize(projection.float(), dim=1)  # (N, C)
                positive = (q * shared["keys"]).sum(dim=1, keepdim=True)  # (N, 1)
                negative = q @ self.queue  # (N, queue_len)
                losses.append(self._contrast(positive, negative))
                if self.same_view_weight:
                    both = torch.cat([positive, negative], dim=1)
                    logits.append(both / self.head.temperature)
            same_view = self._imitate(logits, shared, subnet)
        return self._total(mean_of(losses), subnet, same_view)

    def _imitate(
        self, logits: list[Tensor], shared: dict[str, Any], subnet: Subnet
    ) -> Tensor | None:
        """Cross entropy from the base's distribution (N, 1 + queue_len) of a view."""
        if not logits:
            return None
        if self.is_base(subnet):
            shared["base"] = [view.detach().softmax(dim=1) for view in logits]
            return None
        if "base" not in shared:
            return None
        return mean_of(list(map(F.cross_entropy, logits, shared["base"])))

    def finish(self, shared: dict[str, Any]) -> None:
        """Queues the step's keys.

        Args:
            shared: What `prepare` returned.

        Raises:
            UserError: More keys than places in the queue.
        """
        self._dequeue_and_enqueue(shared["keys"])
