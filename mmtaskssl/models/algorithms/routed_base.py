"""What the routed algorithms of SDR share, whatever their self-supervised loss is."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmtaskssl.subnets import ALL, Subnet
from mmtaskssl.utils.families import BadConfigValue, ClustersMismatch, ConfigUnsuited

from .base import WHOLE, sum_of_pairs
from .elastic_base import ElasticAlgorithm

Views = list[Tensor]
"""Views of the same images, two whole ones first, or their embeddings."""


@dataclass
class RoutedStep:
    """What the sub-nets of one step share.

    Attributes:
        rows: Each sub-net's images in the joined batch.
        own: Per sub-net the targets of its self-supervised loss, one (N, C) a whole
            view; empty where a sub-net makes its own.
        teacher: Per path MAX's embeddings of the path's images, one (N, C) a whole
            view.
        drawn: What an objective draws for the step.
    """

    rows: dict[Subnet, slice]
    own: dict[Subnet, Views] = field(default_factory=dict)
    teacher: dict[Subnet, Views] = field(default_factory=dict)
    drawn: Tensor | None = None


class RoutedAlgorithm(ElasticAlgorithm):
    """Trains MAX on all images and each path on the images of its cluster.

    Liu et al., *Task-Customized Self-Supervised Pre-training with Scalable Dynamic
    Routing*, AAAI 2022 (arXiv 2205.13267). With the images D of a step, D_i of the
    cluster of path W_i, and a = ``kd_weight``::

        L_SSL(D; MAX) + sum_i [(1 - a) L_SSL(D_i; W_i) + a L_SiamKD(D_i; W_i, MAX)]

    SiamKD makes the path's prediction from one view match MAX's embedding of the other,
    which receives no gradient, both ways around. The paper's text was not at hand for
    the formulas: the sum, the weights and ``a`` are our reading.

    One batch holds all of it (see `ClusterBatches`): part 0 is D, part i is D_i. All
    batch norms normalise each part by itself. Running statistics are MAX's over D:
    neither a path nor MAX as a teacher of a path moves them. The backbone, projector
    and predictor take sub-nets (`ElasticBackbone`, `ElasticNonLinearNeck`).

    To be put before one of our two-view algorithms in the bases.

    Args:
        *args: The algorithm's.
        kd_weight: a, in [0, 1]; 0 trains the paths without MAX's help and saves its
            forward pass.
        **kwargs: The algorithm's and `ElasticAlgorithm`'s.

    Raises:
        UserError: ``kd_weight`` is not in [0, 1].
    """

    factor: float
    """On the sum over both directions, as in the algorithm's own loss."""

    def __init__(self, *args, kd_weight: float = 0.5, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if not 0 <= kd_weight <= 1:
            raise BadConfigValue(f"kd_weight must be in 0..1, not {kd_weight}")
        self.kd_weight = kd_weight

    @abstractmethod
    def targets(self, views: Views, subnet: Subnet, step: RoutedStep) -> None:
        """Fills in ``step.own`` and ``step.teacher`` of a sub-net. No gradients.

        Args:
            views: Of the sub-net's images, each (N, 3, H, W).
            subnet: MAX or a path.
            step: Receives them.
        """

    def prepare(self, inputs: Views, data_samples: Any = None) -> RoutedStep:
        """Splits the batch, and computes what needs no gradients.

        Args:
            inputs: Two views of the joined batch, each (N, 3, H, W).
            data_samples: One a sample, with ``part`` and ``path``.

        Raises:
            UserError: The batch does not hold one part a sub-net, or images of
                another cluster.
        """
        subnets = self.subnets_of_step()
        rows = split_parts(subnets, len(inputs[0]), data_samples)
        step = RoutedStep(dict(zip(subnets, rows, strict=True)))
        for subnet, part in step.rows.items():
            self.targets([view[part] for view in inputs], subnet, step)
        return step

    def subnet_loss(
        self, inputs: Views, shared: RoutedStep, subnet: Subnet
    ) -> dict[str, Tensor]:
        """Computes the loss of MAX or of a path on its own part of the batch.

        Args:
            inputs: Two views of the joined batch, each (N, 3, H, W).
            shared: The step's.
            subnet: MAX or a path.

        Returns:
            ``loss``; for a path also ``ssl`` and ``kd``, its two terms unweighted.
        """
        part = shared.rows[subnet]
        view = self.backbone.norm_view(subnet)
        embedded = [self.project(images[part], subnet) for images in inputs]
        predicted = [self.head.predictor([z], view)[0].float() for z in embedded]
        ssl = self._match(predicted, shared.own.get(subnet) or embedded[:WHOLE])
        if subnet == self.backbone.space.max:
            return {"loss": ssl}
        logs = {"ssl": ssl.detach()}
        loss = (1 - self.kd_weight) * ssl
        if self.kd_weight:
            kd = self._match(predicted, shared.teacher[subnet])
            logs["kd"] = kd.detach()
            loss = loss + self.kd_weight * kd
        return {"loss": loss, **logs}

    def rows_of(self, shared: RoutedStep, subnet: Subnet) -> slice:
        """See `ElasticAlgorithm.rows_of`."""
        return shared.rows[subnet]

    def log_names(self, subnets: Sequence[Subnet]) -> list[str]:
        """See `ElasticAlgorithm.log_names`: ``max``, then ``path0``, ``path1``, ...

        Args:
            subnets: All of a step, MAX first.
        """
        return ["max", *(f"path{number}" for number in range(len(subnets) - 1))]

    def project(self, images: Tensor, subnet: Subnet) -> Tensor:
        """Returns a sub-net's embeddings (N, C) of images (N, 3, H, W)."""
        return embed(self.backbone, self.neck, images, subnet)

    def _match(self, predicted: Views, targets: Views) -> Tensor:
        """The head's loss between each view's prediction and the others' targets."""
        return self.factor * sum_of_pairs(self.head.loss, predicted, targets)


def embed(
    backbone: nn.Module, neck: nn.Module, images: Tensor, subnet: Subnet
) -> Tensor:
    """Returns the embeddings (N, C) of images (N, 3, H, W) under a sub-net."""
    return neck(backbone(images, subnet), backbone.norm_view(subnet))[0]


def split_parts(
    subnets: Sequence[Subnet], size: int, data_samples: Sequence | None
) -> list[slice]:
    """Returns where in a joined batch the images of each sub-net are.

    Args:
        subnets: Of a step, MAX first.
        size: Images in the batch.
        data_samples: One a sample; without ``part`` all images are MAX's.

    Raises:
        UserError: There is not one part a sub-net, or a part holds an image that is
            not of the sub-net's cluster.
    """
    samples = list(data_samples or ())
    parts = [sample.get("part", 0) for sample in samples] or [0] * size
    if sorted(set(parts)) != list(range(len(subnets))) or parts != sorted(parts):
        raise ConfigUnsuited(
            f"this step runs MAX and {len(subnets) - 1} path(s), but its batch has "
            f"{len(set(parts)) - 1} part(s) of clusters; a routed algorithm needs "
            "train_dataloader.dataset of type ClusteredImages and "
            "train_dataloader.batch_sampler of type ClusterBatches"
        )
    rows = []
    for part, subnet in enumerate(subnets):
        first = parts.index(part)
        rows.append(slice(first, first + parts.count(part)))
        for name in {sample.path for sample in samples[rows[-1]] if part}:
            if not _lies_below(name, subnet.path):
                raise ClustersMismatch(
                    f"an image of the cluster of path {name or 'none'} came to sub-net "
                    f"{subnet}: the batches do not follow this training's sub-nets"
                )
    return rows


def _lies_below(name: str, path: Sequence[int]) -> bool:
    """Whether ``name``, such as ``"0.1.1.0"``, is a path that a partial one holds."""
    groups = name.split(".")
    return len(groups) == len(path) and all(
        wanted in (ALL, int(group)) for group, wanted in zip(groups, path, strict=True)
    )


@contextmanager
def kept_statistics(*modules: nn.Module) -> Iterator[None]:
    """Lets batch norms in training normalise, but not move their running statistics.

    Args:
        *modules: Whose batch norms.
    """
    norms = [
        norm
        for module in modules
        for norm in module.modules()
        if isinstance(norm, _BatchNorm)
    ]
    momenta = [norm.momentum for norm in norms]
    try:
        for norm in norms:
            norm.momentum = 0.0
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
