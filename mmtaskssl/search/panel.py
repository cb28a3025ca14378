"""Many scores of many sub-nets from one pass of each over all images."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from ..models.features import pooled_feature
from ..subnets import Subnet
from ..utils.families import ShapeMismatch
from .prefixes import PrefixRunner, make_steps, prefix_order
from .scorer import Scorer
from .scores import Reference, Score, Seen
from .spread import SetScore


class Panel:
    """Runs each sub-net once, for the published metrics and for any other scores.

    What sub-nets have in common is shared as in a search, and the metrics' values are
    a search's to the last bit. All images, views and those of the pool among them, are
    normalised with the statistics of the target's first ones: the sub-net is judged
    as it would be used there.

    Args:
        scorer: Of the target's images and the published metrics, maybe none.
        scores: Beside them, maybe by other names.
        views: V random views of the target's images, each (N, 3, H, W), normalised.
        pool: (M, 3, H, W) normalised other images.
        teacher: (N, T) centred features of the target's images by another network.
        pool_teacher: (M, T) of the pool's.
        batch_size: Views and images of the pool at a time.

    Raises:
        UserError: Parts that do not belong together.
    """

    def __init__(
        self,
        scorer: Scorer,
        scores: Sequence[Score] | Mapping[str, Score],
        views: Sequence[Tensor] = (),
        pool: Tensor | None = None,
        teacher: Tensor | None = None,
        pool_teacher: Tensor | None = None,
        batch_size: int = 256,
    ) -> None:
        if not isinstance(scores, Mapping):
            scores = {score.name: score for score in scores}
        self.scorer, self.scores = scorer, dict(scores)
        count = len(scorer.sample.ids)
        parts = {"views": views, "teacher": [] if teacher is None else [teacher]}
        for name, tensors in parts.items():
            if any(len(tensor) != count for tensor in tensors):
                raise ShapeMismatch(f"{name} are not of the {count} images to score on")
        lengths = {len(x) for x in (pool, pool_teacher) if x is not None}
        if len(lengths) > 1:
            raise ShapeMismatch(
                f"a teacher's features of {len(pool_teacher)} images do not fit a "
                f"pool of {len(pool)}"
            )
        own = scorer.runner.chunks
        self._own, self._views = len(own), len(views)
        self._pool = 0 if pool is None else len(pool)
        others = [*views, *([] if pool is None else [pool])]
        device = own[0].device
        self.runner = PrefixRunner(
            scorer.encoders.student.backbone,
            [
                *own,
                *(
                    chunk.to(device).contiguous(memory_format=torch.channels_last)
                    for tensor in others
                    for chunk in tensor.split(batch_size)
                ),
            ],
            scorer.runner.cache_bytes,
        )
        self._teacher, self._pool_teacher = teacher, pool_teacher
        self._reference: Reference | None = None

    @property
    def reference(self) -> Reference:
        """What sub-nets are compared with."""
        if self._reference is None:
            largest = self._largest()
            moved = [
                None if x is None else x.to(largest.device)
                for x in (self._teacher, self._pool_teacher)
            ]
            self._reference = Reference(largest, *moved)
        return self._reference

    @torch.inference_mode()
    def _largest(self) -> Tensor:
        scorer = self.scorer
        backbone = scorer.encoders.teacher.backbone
        stored = scorer.teacher_bn == "stored"
        maps = scorer.runner.chunks
        for step in make_steps(backbone, backbone.space.max, stored):
            maps = [step.module(x) for x in maps]
        return torch.cat([pooled_feature(x) for x in maps])

    @torch.inference_mode()
    def score(
        self, subnets: Sequence[Subnet]
    ) -> Iterator[tuple[Subnet, dict[str, float]]]:
        """Yields each sub-net with its scores by name, the metrics' first.

        Args:
            subnets: Any that the network runs.

        Yields:
            In `prefix_order`.

        Raises:
            UserError: A score lacks what it reads.
        """
        reference = self.reference
        for subnet, values, seen in self._run(subnets):
            found = {name: float(value.mean()) for name, value in values.items()}
            found |= {n: score(seen, reference) for n, score in self.scores.items()}
            yield subnet, found

    @torch.inference_mode()
    def judge(
        self, subnets: Sequence[Subnet], halves: np.ndarray
    ) -> Iterator[tuple[Subnet, dict[str, np.ndarray | SetScore]]]:
        """Yields what `score` does, with what is needed to compare sub-nets.

        Args:
            subnets: See `score`.
            halves: See `half_samples`.

        Yields:
            The metrics' values of each image; the scores with those of the halves.
        """
        whole = self.reference
        device = whole.largest.device
        rows = [torch.from_numpy(half).to(device) for half in halves]
        references = [whole.take(half) for half in rows]
        for subnet, values, seen in self._run(subnets):
            found: dict[str, np.ndarray | SetScore] = {**values}
            parts = [seen.take(half) for half in rows]
            for name, score in self.scores.items():
                pairs = zip(parts, references, strict=True)
                found[name] = SetScore(
                    score(seen, whole), np.array([score(*pair) for pair in pairs])
                )
            yield subnet, found

    def _run(
        self, subnets: Sequence[Subnet]
    ) -> Iterator[tuple[Subnet, dict[str, np.ndarray], Seen]]:
        order = prefix_order(self.scorer.encoders.student.backbone, subnets)
        for subnet, maps in self.runner.run(order):
            values = self.scorer.similarities(subnet, maps[: self._own])
            yield subnet, values, self._seen(subnet, maps)

    def _seen(self, subnet: Subnet, maps: Sequence[Tensor]) -> Seen:
        student = self.scorer.encoders.student
        rows = torch.cat([pooled_feature(x) for x in maps])
        count = len(self.scorer.sample.ids)
        plain, rest = rows[:count], rows[count:]
        views, pool = rest[: len(rest) - self._pool], rest[len(rest) - self._pool :]
        embedded = None
        if student.embeds:
            own = maps[: self._own]
            head = student.embedder(subnet, own[0].shape[1], stored=False)
            embedded = torch.cat([head(x) for x in own])
        return Seen(
            plain,
            views.unflatten(0, (self._views, count)).transpose(0, 1)
            if self._views
            else None,
            pool if self._pool else None,
            embedded,
        )
