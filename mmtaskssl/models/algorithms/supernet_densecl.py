from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from mmtaskssl.registry import MODELS
from mmtaskssl.subnets import Subnet
from mmtaskssl.utils.families import BadConfigValue, ConfigUnsuited

from .base import WHOLE
from .moco import MoCo
from .taught_by_max import TaughtByMax


@dataclass
class _Step:
    """What the sub-nets of one step share: MAX's keys, all L2-normalised.

    Attributes:
        single: Global keys (N, C).
        grid: Dense keys (N, C, S) of S positions.
        pooled: Mean dense keys (N, C), for the dense queue.
        features: The key view's feature map (N, width, S).
        matches: For each position of the query view its match among those of the key
            view (N, S), once MAX has run.
    """

    single: Tensor
    grid: Tensor
    pooled: Tensor
    features: Tensor
    matches: Tensor | None = None


@MODELS.register_module()
class SupernetDenseCL(TaughtByMax, MoCo):
    """DenseCL for all sub-nets of an elastic backbone at once.

    Wang et al., *Dense Contrastive Learning for Self-Supervised Visual Pre-Training*,
    CVPR 2021 (arXiv 2011.09157): MoCo v2 and, at each position of the map, the same
    with a queue of its own. The supernet is `SupernetMoCo`'s: keys of both kinds are
    MAX's, once a step.

    Ours: DenseCL matches the positions of the two views by their backbone features,
    which a narrower sub-net cannot compare with MAX's. So MAX finds the matches, with
    its online features, and the step's other sub-nets take them over. With MAX alone
    this is the host's ``mmselfsup.DenseCL``.

    Args:
        loss_lambda: Share of the dense loss; the host's ``mmselfsup.DenseCLHook`` keeps
            it at 0 for the first iterations.
        queue_len: Places of each queue.
        feat_dim: Features of the embeddings.
        **kwargs: Those of `MoCo` and `ElasticAlgorithm`; ``neck`` is an
            `ElasticDenseCLNeck`.
    """

    queues = ("queue", "queue2")

    def __init__(
        self,
        *args,
        loss_lambda: float = 0.5,
        queue_len: int = 65536,
        feat_dim: int = 128,
        **kwargs,
    ) -> None:
        super().__init__(*args, queue_len=queue_len, feat_dim=feat_dim, **kwargs)
        self.loss_lambda = loss_lambda
        self.register_buffer(
            "queue2", F.normalize(torch.randn(feat_dim, queue_len), dim=0)
        )
        self.register_buffer("queue2_ptr", torch.zeros(1, dtype=torch.long))

    def prepare(self, inputs: list[Tensor], data_samples=None) -> _Step:
        """Moves the average and computes MAX's keys.

        Args:
            inputs: Query and key views, each (N, 3, H, W).
            data_samples: Ignored.
        """
        if len(inputs) > WHOLE:
            raise BadConfigValue(
                "SupernetDenseCL compares the positions of two whole views: leave "
                "data_preprocessor.local_views at 0"
            )
        self.encoder_k.update(self.backbone, self.neck)
        images, shuffle = self._shuffle(inputs[1])
        backbone, neck = self.encoder_k.module
        maps = backbone(images)
        keys = [*neck(maps), maps[-1].flatten(2)]
        keys = [F.normalize(k.float(), dim=1) for k in keys]
        return _Step(*(keys if shuffle is None else map(shuffle.back, keys)))

    def subnet_loss(
        self, inputs: list[Tensor], shared: _Step, subnet: Subnet
    ) -> dict[str, Tensor]:
        """InfoNCE of whole images and of positions.

        Args:
            inputs: Query and key views, each (N, 3, H, W).
            shared: The step's.
            subnet: Makes the queries.

        Returns:
            ``loss_single`` and ``loss_dense``, weighted.

        Raises:
            UserError: MAX has not run before.
        """
        maps = self.backbone(inputs[0], subnet)
        single, grid, _ = self.neck(maps, self.backbone.norm_view(subnet))
        with torch.autocast(single.device.type, enabled=False):
            if subnet == self.backbone.space.max:
                shared.matches = _match(maps[-1].detach().flatten(2), shared.features)
            if shared.matches is None:
                raise ConfigUnsuited(
                    "SupernetDenseCL needs a subnet_sampler that runs MAX in every "
                    "step, such as Sandwich"
                )
            q = F.normalize(single.float(), dim=1)  # (N, C)
            grid = F.normalize(grid.float(), dim=1)  # (N, C, S)
            where = shared.matches.unsqueeze(1).expand_as(grid)
            key_of = shared.grid.gather(2, where)  # (N, C, S)
            positions = grid.transpose(1, 2).flatten(0, 1)  # (N S, C)
            loss_single = self._info_nce(q, shared.single, self.queue)
            loss_dense = self._info_nce(
                positions, key_of.transpose(1, 2).flatten(0, 1), self.queue2
            )
        return {
            "loss_single": (1 - self.loss_lambda) * loss_single,
            "loss_dense": self.loss_lambda * loss_dense,
        }

    def finish(self, shared: _Step) -> None:
        """Writes the step's keys to the queues.

        Args:
            shared: The step's.
        """
        self._dequeue_and_enqueue(shared.single)
        self._dequeue_and_enqueue(shared.pooled, "queue2")

    def _info_nce(self, q: Tensor, keys: Tensor, queue: Tensor) -> Tensor:
        """The head's loss of queries (M, C), their keys (M, C), and a queue."""
        return self._contrast((q * keys).sum(dim=1, keepdim=True), q @ queue)


def _match(query: Tensor, key: Tensor) -> Tensor:
    """Returns the most similar position (N, S) of ``key`` for each of ``query``.

    Args:
        query: (N, C, S).
        key: (N, C, S), L2-normalised over C.
    """
    query = F.normalize(query.float(), dim=1)
    return (query.transpose(1, 2) @ key).argmax(dim=2)
