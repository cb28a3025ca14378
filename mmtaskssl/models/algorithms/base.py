"""What the algorithms share that compare views of an image."""

import functools
import operator
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from mmengine.dist import get_world_size
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmtaskssl.utils.errors import option
from mmtaskssl.utils.families import BadBatch, BadConfigValue, NoWeights

from ..elastic import NormView
from ..teachers import StartTeacher
from .taught import Teachers, watched


class TwoViewMixin:
    """Mixed into the host's algorithms, before them in the bases.

    Each of them may have teachers beside its own loss, on the same views.

    Args:
        *args: The algorithm's.
        distill: Arguments of a `Distillation`, or of several; None: no teacher.
        train_only: "norms" freezes all of the backbone but weight and bias of its batch
            norms; None: nothing.
        **kwargs: The algorithm's.

    Attributes:
        distill (Teachers | None): Its teachers.

    Raises:
        UserError: See `Distillation`; or an unknown ``train_only``.
    """

    #: How many views the neck sees in their order, before others; None: all.
    in_order: int | None = None

    def __init__(
        self, *args, distill: Any = None, train_only: str | None = None, **kwargs
    ) -> None:
        super().__init__(*args, **kwargs)
        self._set_teachers(distill, train_only)

    def _set_teachers(self, distill: Any, train_only: str | None = None) -> None:
        """Builds the teachers and freezes weights, once there is a backbone."""
        if train_only not in (None, "norms"):
            raise BadConfigValue(
                f"model.train_only is norms or None, not {train_only!r}"
            )
        if train_only:
            freeze_all_but_norms(self.backbone)
        self.distill = None
        if distill is not None:
            configs = [distill] if isinstance(distill, Mapping) else distill
            self.distill = Teachers(configs, self.backbone, self.data_preprocessor)

    def forward(self, inputs: Any, data_samples: Any = None, mode: str = "tensor"):
        """As the host's; a loss is that of the teachers, too.

        Args:
            inputs: See the algorithm; behind its views, those of the teachers.
            data_samples: See the algorithm.
            mode: ``tensor``, ``predict`` or ``loss``.
        """
        if mode != "loss" or self.distill is None:
            return super().forward(inputs, data_samples, mode=mode)
        views, shown = self.distill.split(inputs)
        taught = self.distill.teach(shown, data_samples)
        with watched(getattr(self, "neck", None)) as seen:
            losses = super().forward(views, data_samples, mode=mode)
        first = seen[: self.in_order]
        later = (self.backbone(x) for x in views[len(first) : self.distill.views])
        losses = with_teachers(losses, self.distill.loss([*first, *later], taught))
        self.distill.finish(taught)
        return losses

    def bind_images(
        self, image_ids: Sequence[str], root: str | os.PathLike | None = None
    ) -> None:
        """Tells the teachers the training images, in the order of ``sample_idx``.

        Args:
            image_ids: Of the training's data set.
            root: Folder of the images; None: not known.

        Raises:
            UserError: A teacher does not know one of them.
        """
        for part in self.distill or ():
            part.teacher.bind(image_ids, root)

    def after_start(self, name: str | None) -> None:
        """Shows a teacher that is the start what the backbone has just loaded.

        Args:
            name: Of the weights; None: they are drawn.

        Raises:
            UserError: They are drawn, and are to teach.
        """
        for part in self.distill or ():
            if isinstance(part.teacher, StartTeacher):
                if name is None:
                    raise NoWeights(
                        "the teacher is what the training starts from, and that is "
                        f"nothing yet: set {option('weights')}"
                    )
                part.teacher.take(self.backbone, name)

    def check_resumed(self, state: Mapping[str, torch.Tensor]) -> None:
        """Refuses to go on with another teacher.

        Args:
            state: Of the resumed checkpoint.

        Raises:
            UserError: It is another one.
        """
        for place, part in enumerate(self.distill or ()):
            part.teacher.check_resumed(state.get(f"distill.{place}.teacher.sha256"))

    def extract_feat(
        self, inputs: torch.Tensor | Sequence[torch.Tensor], data_samples=None
    ) -> tuple[torch.Tensor, ...]:
        """Returns the backbone's feature maps.

        Args:
            inputs: Images (N, 3, H, W), or a list of views, whose first is used.
            data_samples: Ignored.
        """
        if not isinstance(inputs, torch.Tensor):
            inputs = inputs[0]
        return self.backbone(inputs)

    def check_batch(self, batch_size: int) -> None:
        """Refuses a per-process batch size that this model cannot train with.

        Args:
            batch_size: Images a process and step.

        Raises:
            UserError: Fewer than two images: batch norm needs a spread.
        """
        if batch_size < 2:
            raise BadBatch(
                f"a batch of {batch_size} image per process cannot be normalised by "
                "batch norm; set train_dataloader.batch_size to 2 or more"
            )

    def _predict(self, z: torch.Tensor, view: NormView | None = None) -> torch.Tensor:
        """Maps projections (N, C) to predictions (N, C).

        Args:
            z: Projections.
            view: The sub-net's, for a predictor with batch norms for each.
        """
        predictor = self.head.predictor
        switched = view is not None and getattr(predictor, "num_switches", 1) > 1
        return predictor([z], view)[0] if switched else predictor([z])[0]

    def _latent_loss(
        self, projections: Sequence[torch.Tensor], targets: Sequence[torch.Tensor]
    ) -> torch.Tensor:
        """The head's loss between predictions and other views' targets, in float32.

        The host compares in the autocast type, where 1 - cos of nearly equal
        vectors keeps two digits.

        Args:
            projections: Of each view (N, C), whole ones first.
            targets: Of each whole view (N, C); they receive no gradient.
        """
        predictions = [self._predict(z) for z in projections]
        return sum_of_pairs(self.head.loss, predictions, targets)


#: Views of the whole image, before local ones.
WHOLE = 2


def view_pairs(count: int, whole: int = WHOLE) -> list[tuple[int, int]]:
    """Returns which views are compared: each with every other whole one.

    Multi-crop's rule (arXiv 2006.09882, section 3.3), of two views both directions.

    Args:
        count: Views, whole ones first.
        whole: Those that are whole.
    """
    return [(v, w) for v in range(count) for w in range(whole) if v != w]


def sum_of_pairs(
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    views: Sequence[torch.Tensor],
    targets: Sequence[torch.Tensor],
) -> torch.Tensor:
    """Returns twice the mean loss of `view_pairs`: of two views the sum of both.

    Args:
        loss: Of a view's tensor and a target.
        views: Of each view, whole ones first.
        targets: Of each whole view; they receive no gradient.
    """
    pairs = view_pairs(len(views), len(targets))
    losses = [loss(views[v].float(), targets[w].detach().float()) for v, w in pairs]
    total = functools.reduce(operator.add, losses)
    return total if len(pairs) == WHOLE else total * (WHOLE / len(pairs))


def mean_of(losses: Sequence[torch.Tensor]) -> torch.Tensor:
    """Returns the mean of scalars; of one itself."""
    total = functools.reduce(operator.add, losses)
    return total if len(losses) == 1 else total / len(losses)


def freeze_all_but_norms(backbone: nn.Module) -> None:
    """Leaves weight and bias of batch norms to training, and nothing else.

    Args:
        backbone: Any.

    Raises:
        UserError: It has no batch norm with weights.
    """
    norms = [m for m in backbone.modules() if isinstance(m, _BatchNorm) and m.affine]
    if not norms:
        raise BadConfigValue(
            f"a {type(backbone).__name__} has no batch norms that could be trained: "
            "leave out model.train_only"
        )
    backbone.requires_grad_(False)
    for norm in norms:
        norm.requires_grad_(True)


def with_teachers(
    losses: Mapping[str, Any], taught: Mapping[str, torch.Tensor]
) -> dict[str, Any]:
    """Joins an algorithm's losses, maybe none, and its teachers'.

    Args:
        losses: ``loss`` is called ``loss_ssl``: the sum of all is called so.
        taught: The teachers'.
    """
    own = {"loss_ssl" if name == "loss" else name: x for name, x in losses.items()}
    return {**own, **taught}


def global_batch_size(batch_size: int) -> int:
    """Returns the images a step over all processes."""
    return batch_size * get_world_size()
