from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.dist import all_gather, get_world_size
from mmselfsup.models.algorithms import MoCo as _MoCo
from mmselfsup.models.heads import ContrastiveHead

from mmtaskssl.registry import MODELS
from mmtaskssl.subnets import Subnet
from mmtaskssl.utils.families import BadBatch

from .base import WHOLE, TwoViewMixin, global_batch_size, mean_of
from .momentum import MomentumEncoder
from .shuffle import BatchShuffle


@MODELS.register_module()
class MoCo(TwoViewMixin, _MoCo):
    """The host's MoCo v1/v2, fit for CPU, accumulation, AMP and exact resume.

    He et al., *Momentum Contrast*, CVPR 2020; Chen et al., *Improved Baselines
    with Momentum Contrastive Learning*, 2020. Over the host's:

    - the queue takes any batch that is not longer than itself, and wraps around;
    - the batch shuffle across processes is a function of the step, drawn from no
      global random state, and is skipped where it has no effect (one process);
    - similarities are computed in float32 under autocast;
    - the key encoder is a `MomentumEncoder`.

    Args:
        momentum: Share of the key encoder that one update keeps.
        **kwargs: The host's: ``backbone``, ``neck``, ``head``, ``queue_len``,
            ``feat_dim``, ``pretrained``, ``data_preprocessor``, ``init_cfg``.
    """

    #: Names of the buffers (C, queue_len) that keep keys.
    queues: tuple[str, ...] = ("queue",)
    #: The second view is the key encoder's.
    in_order = 1

    def __init__(self, *args, momentum: float = 0.999, **kwargs) -> None:
        super().__init__(*args, momentum=momentum, **kwargs)
        self.encoder_k = MomentumEncoder(self.backbone, self.neck, momentum=momentum)
        self.register_buffer("shuffle_step", torch.tensor(0, dtype=torch.long))
        # Its value, known without waiting for the device; None: read it.
        self._shuffles: int | None = None

    def check_batch(self, batch_size: int) -> None:
        """Refuses a batch that the queue cannot hold.

        Args:
            batch_size: Images a process and step.

        Raises:
            UserError: One step would bring more keys than the queue has places.
        """
        super().check_batch(batch_size)
        total = global_batch_size(batch_size)
        if total > self.queue_len:
            raise BadBatch(
                f"one step brings {total} keys ({get_world_size()} process(es) of "
                f"{batch_size} images) but the queue holds {self.queue_len}; lower "
                "train_dataloader.batch_size or raise model.queue_len"
            )

    @torch.no_grad()
    def shorten_queues(self, length: int) -> None:
        """Cuts the queues, which begin anew; for before a training or its resumption.

        Args:
            length: Places of each; a longer one than they have changes nothing.
        """
        if length >= self.queue_len:
            return
        for name in self.queues:
            queue = self.get_buffer(name)
            queue.data = queue[:, :length].clone()  # the object that DDP knows
            self.get_buffer(f"{name}_ptr").zero_()
        self.queue_len = length

    def loss(
        self, inputs: list[torch.Tensor], data_samples=None, **kwargs
    ) -> dict[str, torch.Tensor]:
        """InfoNCE of each query against its key and the queue.

        Args:
            inputs: Query and key views, each (N, 3, H, W), and local ones, which are
                queries, too.
            data_samples: Ignored.
            **kwargs: Ignored.

        Returns:
            ``loss``, a scalar.

        Raises:
            UserError: More keys than places in the queue.
        """
        queries = [self.neck(self.backbone(x))[0] for x in query_views(inputs)]
        k = self._keys(inputs[1])  # (N, C)
        with torch.autocast(k.device.type, enabled=False):
            queue, losses = self.queue.clone(), []
            for query in queries:
                q = F.normalize(query.float(), dim=1)  # (N, C)
                positive = (q * k).sum(dim=1, keepdim=True)  # (N, 1)
                losses.append(self._contrast(positive, q @ queue))  # (N, queue_len)
        self._dequeue_and_enqueue(k)
        return {"loss": mean_of(losses)}

    @torch.no_grad()
    def _keys(self, images: torch.Tensor) -> torch.Tensor:
        self.encoder_k.update(self.backbone, self.neck)
        return self._encode_keys(images)

    def _encode_keys(self, images: torch.Tensor, *subnet: Subnet) -> torch.Tensor:
        images, shuffle = self._shuffle(images)
        k = F.normalize(self.encoder_k(images, *subnet)[0].float(), dim=1)
        return k if shuffle is None else shuffle.back(k)

    def _shuffle(
        self, images: torch.Tensor
    ) -> tuple[torch.Tensor, BatchShuffle | None]:
        """Exchanges images between processes.

        Returns:
            This process's share (N, 3, H, W) of the shuffled images, and the way back
            (None: one process, nothing moved).
        """
        if get_world_size() == 1:
            return images, None
        if self._shuffles is None:
            self._shuffles = int(self.shuffle_step)
        shuffle = BatchShuffle(len(images), self._shuffles, images.device)
        self._shuffles += 1
        self.shuffle_step += 1
        return shuffle.forth(images), shuffle

    def _contrast(self, positive: torch.Tensor, negative: torch.Tensor) -> torch.Tensor:
        """The head's loss; the host's head copies its labels from the CPU each time.

        Args:
            positive: Similarities (N, 1) to the keys.
            negative: Similarities (N, K) to the queue.
        """
        if type(self.head) is not ContrastiveHead:
            return self.head(positive, negative)
        logits = torch.cat([positive, negative], dim=1) / self.head.temperature
        labels = torch.zeros(len(logits), dtype=torch.long, device=logits.device)
        return self.head.loss(logits, labels)

    def _load_from_state_dict(self, *args, **kwargs) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        self._shuffles = None

    @torch.no_grad()
    def _dequeue_and_enqueue(self, keys: torch.Tensor, name: str = "queue") -> None:
        """Overwrites the oldest keys with those of all processes.

        Args:
            keys: L2-normalised keys (N, C) of this process.
            name: Of the queue.

        Raises:
            UserError: More keys than places in the queue.
        """
        if get_world_size() > 1:
            keys = torch.cat(all_gather(keys.contiguous()))
        if len(keys) > self.queue_len:
            self.check_batch(len(keys) // get_world_size())
        queue, ptr = self.get_buffer(name), self.get_buffer(f"{name}_ptr")
        places = torch.arange(len(keys), device=keys.device) + ptr
        queue[:, places % self.queue_len] = keys.T.to(queue.dtype)
        ptr[0] = (ptr[0] + len(keys)) % self.queue_len


def query_views(inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Returns the views that are compared with the second one's key.

    Args:
        inputs: Views, two whole ones first.
    """
    return [inputs[0], *inputs[WHOLE:]]
