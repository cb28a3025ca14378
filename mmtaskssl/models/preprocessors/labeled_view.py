from collections.abc import Sequence
from typing import Any

import torch
from mmcls.structures import ClsDataSample
from torch import Tensor

from mmtaskssl.registry import MODELS
from mmtaskssl.utils.copies import to_device

from .two_view import TwoViewPreprocessor

# Inception's crop and a flip, the augmentation of linear and fine-tuning protocols
# (He et al., arXiv 1911.05722, section 4.1; Chen et al., arXiv 2002.05709, B.5).
_SUPERVISED = {
    "crop_scale": (0.08, 1.0),
    "jitter": 0.0,
    "grey": 0.0,
    "blur": 0.0,
    "solarise": 0.0,
}


@MODELS.register_module()
class LabeledViewPreprocessor(TwoViewPreprocessor):
    """Makes one view of every labelled image, for mmcls' classifiers.

    As `TwoViewPreprocessor`, but ``inputs`` is one tensor (N, 3, S, S), in training a
    random crop and flip, else the plain centre square; and ``data_samples`` are N of
    mmcls' samples with ``gt_label``: its ``label``, or, of images with several labels
    (a tensor (C,) each, see `PublicImages`), its ``score``.

    Args:
        view_size: Side of the view in pixels.
        augment: Fields of `ViewRecipe` that differ from crop and flip.
        mean: Per channel (RGB), of values 0..255.
        std: Per channel (RGB), of values 0..255.
        seed: Of the views. None: the runner's seed.
        eval_crop: Side of the evaluation's centre square, as a share of the short side.

    Raises:
        UserError: An unknown augmentation, or a value out of range.
    """

    _sample_type = ClsDataSample
    _not_meta = ("inputs", "sizes", "label")

    def __init__(
        self,
        view_size: int = 224,
        augment: dict[str, Any] | None = None,
        mean: Sequence[float] = (123.675, 116.28, 103.53),
        std: Sequence[float] = (58.395, 57.12, 57.375),
        seed: int | None = None,
        eval_crop: float = 0.875,
    ) -> None:
        augment = _SUPERVISED | (augment or {})
        super().__init__("simsiam", view_size, augment, mean, std, seed, eval_crop)
        self.recipes = self.recipes[:1]

    def forward(self, data: dict, training: bool = False) -> dict:
        """Turns a loaded batch into the model's arguments.

        Args:
            data: See `TwoViewPreprocessor`; with ``label``, if there are labels.
            training: A random view, or the plain one.
        """
        batch = super().forward(data, training)
        (inputs,) = batch["inputs"]
        if "label" in data:
            _set_labels(batch["data_samples"], data["label"], inputs.device)
        return {**batch, "inputs": inputs}


def _set_labels(
    samples: Sequence[ClsDataSample],
    labels: Tensor | Sequence[int] | Sequence[Tensor],
    device: torch.device,
) -> None:
    """Gives each sample its part of one tensor, which is copied at once."""
    if not isinstance(labels, Tensor):
        several = isinstance(labels[0], Tensor)
        labels = torch.stack(list(labels)) if several else torch.tensor(labels)
    labels = to_device(labels, device)
    if labels.dim() == 2:
        for sample, score in zip(samples, labels.float().unbind(), strict=True):
            sample.set_gt_score(score)
    else:
        for sample, label in zip(samples, labels.split(1), strict=True):
            sample.set_gt_label(label)
