"""What a label-free score of a sub-net reads, and what it is."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from ...registry import SEARCH_SCORES
from ...utils import checks
from ...utils.families import OptionMissing

#: What a sub-net is compared with.
AGAINST = ("largest", "teacher")


@dataclass(frozen=True)
class Seen:
    """What one network makes of images.

    Attributes:
        plain: (N, D) features of the target's images.
        views: (N, V, D) features of V random views of each; None: there are none.
        pool: (M, D) features of other unlabelled images; None: there are none.
        embedded: (N, E) what its head makes of ``plain``; None: it has no head.
    """

    plain: Tensor
    views: Tensor | None = None
    pool: Tensor | None = None
    embedded: Tensor | None = None

    def take(self, rows: Tensor) -> "Seen":
        """Returns what it makes of some of the target's images.

        Args:
            rows: (n,) int64, of the N.
        """
        return replace(
            self,
            plain=self.plain[rows],
            views=None if self.views is None else self.views[rows],
            embedded=None if self.embedded is None else self.embedded[rows],
        )


@dataclass(frozen=True)
class Reference:
    """What a sub-net is compared with; rows are those of `Seen`.

    Attributes:
        largest: (N, C) features of the largest network.
        teacher: (N, T) features of another network, such as the one that was distilled,
            without their mean; None: there is none.
        pool: (M, T) features of the same of the other images.
    """

    largest: Tensor
    teacher: Tensor | None = None
    pool: Tensor | None = None

    def take(self, rows: Tensor) -> "Reference":
        """See `Seen.take`."""
        return replace(
            self,
            largest=self.largest[rows],
            teacher=None if self.teacher is None else self.teacher[rows],
        )


class Score(ABC):
    """Says how good a sub-net's features are, without labels. Higher is better.

    Subclasses are registered in `SEARCH_SCORES`, one a file.
    """

    #: In tables; a class attribute, or set by the options.
    name: str

    @abstractmethod
    def __call__(self, seen: Seen, reference: Reference) -> float:
        """Returns the score.

        Args:
            seen: By the sub-net.
            reference: To compare with.

        Raises:
            UserError: A part that it reads is not there, or holds NaN.
        """


def build_scores(configs: Mapping[str, Any] | list[Mapping[str, Any]]) -> list[Score]:
    """Builds scores from their configs, each a ``type`` and its options."""
    configs = [configs] if isinstance(configs, Mapping) else configs
    return [SEARCH_SCORES.build(dict(config)) for config in configs]


def required(part: Tensor | None, score: Score, what: str) -> Tensor:
    """Returns a part that a score cannot do without.

    Raises:
        UserError: It is not there.
    """
    if part is None:
        raise OptionMissing(f"the score {score.name} needs {what}: give them, too")
    return part


def other(reference: Reference, score: Score, against: str) -> Tensor:
    """Returns the features (N, C) of the network that a score compares with.

    Args:
        reference: Has them.
        score: For messages.
        against: "largest" or "teacher".
    """
    if against == "largest":
        return reference.largest
    return required(reference.teacher, score, "a teacher's features of the images")


def centred(features: Tensor) -> Tensor:
    """Returns rows (N, D) float64 of length one, once their mean is taken off."""
    x = features.double()
    return F.normalize(x - x.mean(0), dim=1)


def named(kind: str, against: str) -> str:
    """Returns the name of a score that compares with another network.

    Raises:
        UserError: There is no such network.
    """
    checks.one_of("against", against, AGAINST)
    return f"{kind}-{against}"
