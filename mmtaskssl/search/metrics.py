"""How alike two networks see the same images."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..subnets import Subnet
from ..utils.errors import option
from ..utils.families import BadValue, UnknownName
from .encoders import Encoder
from .scores import Score, build_scores

FEW_POSITIONS = 16
"""Fewer positions of a map make affinities that hardly differ between networks."""

# Most values of affinity matrices that are made at a time.
_AFFINITIES = 2**24


class Metric(ABC):
    """Turns feature maps into descriptions that networks of any width share.

    Source: Chang et al., DATA, CVPR 2022 (arXiv 2203.09041), section 3.3. "Distance"
    there; what is computed is a similarity, higher is better.
    """

    name: str

    @abstractmethod
    def head(
        self, encoder: Encoder, subnet: Subnet, channels: int, stored: bool
    ) -> nn.Module:
        """Returns what maps (N, C, H, W) to the part that `describe` reads.

        Args:
            encoder: The network.
            subnet: Whose maps.
            channels: C.
            stored: Whether batch norms keep the statistics they have.
        """

    @abstractmethod
    def describe(self, x: Tensor) -> Tensor:
        """Returns (N, rows, columns) of a network's head's output."""

    def similarity(self, x: Tensor, reference: Tensor) -> Tensor:
        """Returns the similarity (N,) of each image to the teacher's description.

        Args:
            x: Output of the student's head for N images.
            reference: The teacher's, (N, rows, columns).
        """
        size = max(1, _AFFINITIES // reference[0].numel())
        parts = [
            (self.describe(a) * b).sum(2).mean(1).double().cpu()
            for a, b in zip(x.split(size), reference.split(size), strict=True)
        ]
        return torch.cat(parts)


class GlobalMetric(Metric):
    """Cosine of the embeddings that the pretext task compared: classification."""

    name = "global"

    def head(
        self, encoder: Encoder, subnet: Subnet, channels: int, stored: bool
    ) -> nn.Module:
        """Returns neck and, of a student, predictor."""
        return encoder.embedder(subnet, channels, stored)

    def describe(self, x: Tensor) -> Tensor:
        """Returns (N, 1, D) of embeddings (N, D)."""
        return F.normalize(x, dim=1).unsqueeze(1)


class DenseMetric(Metric):
    """Cosine of the rows of the affinity between positions: detection, segmentation.

    A row holds the cosines of one position's features with those of all positions.

    Args:
        raw: Leaves the rows as long as they are, as the authors' code does: a position
            that resembles many others then counts for more.
    """

    def __init__(self, raw: bool = False) -> None:
        self.raw = raw
        self.name = "dense-raw" if raw else "dense"

    def head(
        self, encoder: Encoder, subnet: Subnet, channels: int, stored: bool
    ) -> nn.Module:
        """Returns the identity."""
        return nn.Identity()

    def describe(self, x: Tensor) -> Tensor:
        """Returns (N, HW, HW) of feature maps (N, C, H, W).

        Raw rows are divided by sqrt(HW), so that their product is a mean.
        """
        if x.shape[2] * x.shape[3] < 2:
            raise BadValue(
                "the dense metric compares the positions of a feature map, and images "
                f"of this size leave only one; take a larger {option('image_size')}"
            )
        x = F.normalize(x.flatten(2), dim=1)  # (N, C, HW)
        affinity = x.transpose(1, 2) @ x
        if self.raw:
            return affinity / affinity.shape[2] ** 0.5
        return F.normalize(affinity, dim=2)


METRICS: dict[str, Metric] = {
    metric.name: metric for metric in (GlobalMetric(), DenseMetric(), DenseMetric(True))
}
"""The metrics by name; ``dense-raw`` is the authors' dense one."""


SET_SCORES: dict[str, dict[str, Any]] = {
    "rank": {"type": "EffectiveRank"},
    "neighbours": {"type": "NeighbourOverlap", "against": "teacher"},
    "ridge": {"type": "TeacherRidge", "against": "teacher"},
}
"""Scores of a set of images by the names that a search has for them, see `Score`."""


def get_metrics(names: Sequence[str]) -> list[Metric]:
    """Returns the published metrics of these names, each once.

    Args:
        names: Of `METRICS` or of `SET_SCORES`, which are passed over.

    Raises:
        UserError: One is unknown.
    """
    known = {**METRICS, **SET_SCORES}
    for name in names:
        if name not in known:
            raise UnknownName(f"metric {name!r} is unknown; take {', '.join(known)}")
    return [METRICS[name] for name in dict.fromkeys(names) if name in METRICS]


def get_set_scores(names: Sequence[str]) -> dict[str, Score]:
    """Returns the scores of these names that are of a set of images, by name.

    Args:
        names: Of `METRICS`, which are passed over, or of `SET_SCORES`.
    """
    wanted = [name for name in dict.fromkeys(names) if name in SET_SCORES]
    built = build_scores([SET_SCORES[name] for name in wanted])
    return dict(zip(wanted, built, strict=True))
