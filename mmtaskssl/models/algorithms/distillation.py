"""What a student learns from one teacher, beside or in place of its own loss."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmtaskssl.registry import MODELS
from mmtaskssl.utils import checks
from mmtaskssl.utils.errors import option
from mmtaskssl.utils.families import TeacherMisfit

from ..backbones import ElasticBackbone
from ..elastic import NormView
from ..features import last_map, pooled_feature
from ..losses import TargetNorm
from ..teachers import Taught, Teacher

# What networks of the hosts and of libraries call the channels of their output.
_DIMS = ("feat_dim", "embed_dims", "num_features")
_COSINE = ({"type": "CosineRegression"},)


class Distillation(nn.Module):
    """The losses between a student and one teacher.

    The student's feature goes through a head to the teacher's dimension. Without a head
    its channels *are* the teacher's, as those of a network that learns from itself; a
    sub-net of fewer channels is compared on those that it has.

    Args:
        backbone: The student's.
        teacher: Config of (or) a `Teacher`.
        losses: Configs of losses of features (N, C), each with ``weight``, by default
            1; `CosineRegression`, `SquaredRegression`, `SimilarityMatching`.
        head: Arguments of an `ElasticNonLinearNeck`, of which the dimensions need not
            be given; ``num_layers`` is 1, a linear head, unless given. None: no head.
        norm: Of the teacher's features: a ``kind`` of `TargetNorm`. Without a head, of
            the student's, too.
        norm_images: See `TargetNorm`.
        dense_losses: As ``losses``, of maps: `DenseCosine`, `DenseAffinity`.
        dense_head: As ``head``, of each position.
        views: How many of the student's views are taught, each by the teacher's view of
            the same crop.
        weight: Of all of it.

    Raises:
        UserError: No loss, a weight out of range, a teacher without maps for dense
            losses, or dimensions that need a head where there is none.
    """

    def __init__(
        self,
        backbone: nn.Module,
        teacher: Mapping[str, Any] | Teacher | None = None,
        losses: Sequence[Mapping[str, Any]] = _COSINE,
        head: Mapping[str, Any] | None = None,
        norm: str = "none",
        norm_images: int = 4096,
        dense_losses: Sequence[Mapping[str, Any]] = (),
        dense_head: Mapping[str, Any] | None = None,
        views: int = 1,
        weight: float = 1.0,
    ) -> None:
        super().__init__()
        if not isinstance(teacher, Teacher):
            if not isinstance(teacher, Mapping) or "type" not in teacher:
                raise TeacherMisfit(
                    f"distill.teacher is a part with a type, not {teacher!r}: name a "
                    f"network or a store by {option('teacher')}"
                )
            teacher = dict(teacher)
            if str(teacher["type"]).endswith("StartTeacher"):
                teacher["backbone"] = backbone
            teacher = MODELS.build(teacher)
        if not losses and not dense_losses:
            raise TeacherMisfit(f"distill of {teacher.name} has no losses")
        checks.finite("distill.weight", weight, 0)
        checks.whole("distill.views", views)
        dense_dim = getattr(teacher, "dense_dim", None)
        if dense_losses and dense_dim is None:
            raise TeacherMisfit(
                f"the teacher {teacher.name} has no maps for dense_losses"
            )
        self.teacher, self.views, self.weight = teacher, views, weight
        self.norm = TargetNorm(teacher.dim, norm, norm_images)
        self.losses, self.weights = _build(losses, teacher.dim)
        self.dense_losses, more = _build(dense_losses, dense_dim)
        self.weights |= more
        self.head = _head(head, backbone, teacher.dim)
        self.dense_head = _head(dense_head, backbone, dense_dim, with_avg_pool=False)
        self._elastic = isinstance(backbone, ElasticBackbone)
        if self._elastic:
            full = backbone.stage_channels(backbone.space.max)[-1]
            if _wants_same(self.losses) and self.head is None:
                self._check_width(full, teacher.dim, "head")
            if _wants_same(self.dense_losses) and self.dense_head is None:
                self._check_width(full, dense_dim, "dense_head")

    def teach(self, images: Sequence[Tensor], data_samples: Any) -> list[Taught]:
        """Asks the teacher, once a step. Runs without gradients.

        Args:
            images: The views that it is shown; none of a teacher that wants none.
            data_samples: One an image.

        Returns:
            One for each view, or a single one; in float32.
        """
        answers = [self.teacher.teach(view, data_samples) for view in images or [None]]
        answers = [Taught(*(x if x is None else x.float() for x in a)) for a in answers]
        self.norm.update(torch.cat([answer.feature for answer in answers]))
        return answers

    def loss(
        self,
        output: Any,
        taught: Taught,
        view: NormView | None = None,
        rows: slice = slice(None),
    ) -> dict[str, Tensor]:
        """Compares one view with the teacher's.

        Args:
            output: The student's backbone's.
            taught: The teacher's.
            view: The sub-net's, of an elastic student.
            rows: Which of the step's images the student has seen.

        Returns:
            Weighted losses by name, from float32.
        """
        terms = []
        if self.losses:
            feature = pooled_feature(output)
            self._check_head(self.head, feature.shape[1], "head")
            feature = _project(self.head, feature, view)
            sides = feature, taught.feature[rows]
            terms.append((self.losses, *sides, self.head, self.norm))
        if self.dense_losses:
            maps = last_map(output)
            n, channels, height, width = maps.shape
            self._check_head(self.dense_head, channels, "dense_head")
            flat = maps.permute(0, 2, 3, 1).reshape(-1, channels)
            flat = _project(self.dense_head, flat, view)
            maps = flat.view(n, height, width, -1).permute(0, 3, 1, 2)
            sides = maps, taught.dense[rows]
            terms.append((self.dense_losses, *sides, self.dense_head, None))
        found = {}
        with torch.autocast(taught.feature.device.type, enabled=False):
            for losses, ours, target, head, norm in terms:
                ours = ours.float()
                for name, loss in losses.items():
                    sides = self._sides(ours, target, head, norm, loss.same_width)
                    value = loss(*sides)
                    found[f"loss_{name}"] = self.weight * self.weights[name] * value
        return found

    @torch.no_grad()
    def finish(self, taught: Sequence[Taught]) -> None:
        """Ends a step, after its last sub-net.

        Args:
            taught: What `teach` returned.
        """
        for loss in self.losses.values():
            if hasattr(loss, "finish"):
                loss.finish(self.norm(torch.cat([a.feature for a in taught])))

    def _sides(
        self,
        ours: Tensor,
        target: Tensor,
        head: nn.Module | None,
        norm: TargetNorm | None,
        same_width: bool,
    ) -> tuple[Tensor, Tensor]:
        """Returns what a loss compares."""
        if same_width and ours.shape[1] != target.shape[1]:
            if not self._elastic:
                self._check_width(ours.shape[1], target.shape[1], "head")
            target = target[:, : ours.shape[1]]
        if norm is not None:
            target = norm(target)
            ours = norm(ours) if head is None and same_width else ours
        return ours, target

    def _check_head(self, head: nn.Module | None, channels: int, name: str) -> None:
        """Refuses a head of other channels: it would take a part of its own."""
        if head is None or self._elastic:
            return
        layers = (m for m in head.modules() if isinstance(m, nn.Linear))
        wanted = next((layer.in_features for layer in layers), channels)
        if wanted != channels:
            raise TeacherMisfit(
                f"distill.{name}.in_channels is {wanted}, and the student has "
                f"{channels} channels: set it so, or leave it out"
            )

    def _check_width(self, ours: int, theirs: int | None, head: str) -> None:
        if ours != theirs:
            raise TeacherMisfit(
                f"the student has {ours} channels and its teacher {self.teacher.name} "
                f"{theirs}: set distill.{head}=dict() for a linear head between them"
            )


def _build(
    configs: Sequence[Mapping[str, Any]], dim: int | None
) -> tuple[nn.ModuleDict, dict[str, float]]:
    losses, weights = nn.ModuleDict(), {}
    for config in configs:
        config = dict(config)
        weight = config.pop("weight", 1.0)
        if config.get("queue_len"):
            config.setdefault("dim", dim)
        loss = MODELS.build(config)
        checks.finite(f"weight of {loss.term}", weight, 0)
        if loss.term in losses:
            raise TeacherMisfit(f"distill has two losses {loss.term}: {configs}")
        losses[loss.term], weights[loss.term] = loss, weight
    return losses, weights


def _wants_same(losses: nn.ModuleDict) -> bool:
    return any(loss.same_width for loss in losses.values())


def _head(
    config: Mapping[str, Any] | None,
    backbone: nn.Module,
    dim: int | None,
    **options: Any,
) -> nn.Module | None:
    """Builds a head, with what its config leaves out."""
    if config is None:
        return None
    config = {"num_layers": 1, "out_channels": dim, **config, **options}
    config.setdefault("type", "mmtaskssl.ElasticNonLinearNeck")
    if "in_channels" not in config:
        config["in_channels"] = _channels(backbone)
    config.setdefault("hid_channels", config["out_channels"])
    return MODELS.build(config)


def _channels(backbone: nn.Module) -> int:
    """Returns the channels of a student's last output."""
    if isinstance(backbone, ElasticBackbone):
        return backbone.stage_channels(backbone.space.max)[-1]
    names = ("out_channels", *_DIMS)
    channels = next((c for n in names if (c := getattr(backbone, n, None))), None)
    channels = channels() if callable(channels) else channels
    channels = channels[-1] if isinstance(channels, list | tuple) else channels
    if isinstance(channels, int):
        return channels
    try:  # a pass without values: on meta nothing is computed
        shadow = copy.deepcopy(backbone).to("meta").eval()
        with torch.no_grad():
            output = shadow(torch.empty(2, 3, 64, 64, device="meta"))
        return pooled_feature(output).shape[1]
    except Exception as error:  # of any network
        raise TeacherMisfit(
            f"how many features a {type(backbone).__name__} has is not known: set "
            "model.distill.head.in_channels"
        ) from error


def _project(head: nn.Module | None, x: Tensor, view: NormView | None) -> Tensor:
    if head is None:
        return x
    return (head([x]) if view is None else head([x], view))[0]
