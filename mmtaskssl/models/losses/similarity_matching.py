import torch
import torch.nn.functional as F
from mmengine.dist import all_gather, get_world_size
from torch import Tensor, nn

from mmtaskssl.registry import MODELS
from mmtaskssl.utils.families import BadConfigValue


@MODELS.register_module()
class SimilarityMatching(nn.Module):
    """Cross entropy of a student's similarities to anchors under its teacher's.

    Without a queue, the default, the anchors of an image are the other images of its
    process's batch, and each network compares its own features with each other, so
    that their dimensions may differ (CompRess, arXiv 2010.14713, section 3, whose two
    memory banks the batch stands for).

    With a queue the anchors are the teacher's features of earlier images and, as first
    one, of the image itself: SEED, arXiv 2101.04731, equations 3 to 5. Both networks
    are compared with them, so the student needs a head to the teacher's dimension.

    Args:
        temperature: Of the student's softmax.
        teacher_temperature: Of the teacher's; SEED's smaller one sharpens its targets.
        queue_len: Teacher features kept; 0: no queue.
        dim: The teacher's features, where there is a queue.

    Raises:
        UserError: A temperature or a length out of range.
    """

    term = "similarity"

    def __init__(
        self,
        temperature: float = 0.2,
        teacher_temperature: float = 0.07,
        queue_len: int = 0,
        dim: int | None = None,
    ) -> None:
        super().__init__()
        if min(temperature, teacher_temperature) <= 0:
            raise BadConfigValue("temperatures of SimilarityMatching must be positive")
        if queue_len < 0 or (queue_len and not dim):
            raise BadConfigValue(
                f"a queue of SimilarityMatching has a length and dim, not {queue_len} "
                f"and {dim}"
            )
        self.temperature = temperature
        self.teacher_temperature = teacher_temperature
        self.queue_len = queue_len
        self.same_width = queue_len > 0
        if queue_len:
            self.register_buffer(
                "queue", F.normalize(torch.randn(queue_len, dim), dim=1)
            )
            self.register_buffer("place", torch.zeros((), dtype=torch.long))

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Returns the mean over images, a scalar.

        Args:
            student: (N, C) features.
            teacher: (N, D) features, D = C where there is a queue; receives no
                gradient.
        """
        student = F.normalize(student, dim=1)
        teacher = F.normalize(teacher.detach(), dim=1)
        if self.queue_len:
            queue = self.queue.clone().T  # may be written before the backward pass
            own = (student * teacher).sum(1, keepdim=True)
            logits = torch.cat([own, student @ queue], dim=1)
            # The teacher's similarity to itself is one.
            targets = torch.cat([torch.ones_like(own), teacher @ queue], dim=1)
        else:
            logits, targets = (_others(x @ x.T) for x in (student, teacher))
        targets = (targets / self.teacher_temperature).softmax(dim=1)
        return F.cross_entropy(logits / self.temperature, targets)

    @torch.no_grad()
    def finish(self, teacher: Tensor) -> None:
        """Ends a step: the oldest features give way to those of all processes.

        Args:
            teacher: (N, D) features of this process.
        """
        if not self.queue_len:
            return
        rows = F.normalize(teacher.detach().float(), dim=1)
        if get_world_size() > 1:
            rows = torch.cat(all_gather(rows.contiguous()))
        rows = rows[-self.queue_len :]
        places = torch.arange(len(rows), device=rows.device) + self.place
        self.queue[places % self.queue_len] = rows
        self.place.add_(len(rows)).remainder_(self.queue_len)


def _others(square: Tensor) -> Tensor:
    """Leaves out the diagonal of (N, N): returns (N, N - 1)."""
    n = len(square)
    return square.flatten()[1:].view(n - 1, n + 1)[:, :-1].reshape(n, n - 1)
