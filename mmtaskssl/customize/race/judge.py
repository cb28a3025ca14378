"""A network, judged by the images of a target."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...evaluation.data import LabeledFeatures, labeled_pair
from ...evaluation.methods import Probe, make_probes
from ...evaluation.splits import stratified_folds
from ...features.rows import ALL_ZERO
from ...features.runner import BatchRunner, extract_in_memory
from ...utils.families import ImagesUnreadable, TargetTooSmall
from ..inspection.inspected import Inspected, Split
from .judged import PROBES, Judged

FOLDS = 5
# Within folds the weight decay is chosen from fewer: five times five fits each.
_WEIGHT_DECAYS = (10.0, 1.0, 0.1, 0.01)


def judge_folds(runner: BatchRunner, found: Inspected, seed: int = 0) -> Judged:
    """Judges a network within the target's training images; test is not read.

    Each image is scored by classifiers of the frozen features of the other folds.

    Args:
        runner: Runs the network.
        found: The target.
        seed: Of the folds.

    Raises:
        UserError: The images cannot be divided, or the network fails on them.
    """
    return judge_features(features_of(runner, found.train, found.class_names), seed)


def judge_features(train: LabeledFeatures, seed: int = 0) -> Judged:
    """Judges features of a target's training images, see `judge_folds`.

    Args:
        train: Of all of them.
        seed: Of the folds.

    Raises:
        UserError: The images cannot be divided.
    """
    parts = stratified_folds(train.y, FOLDS, seed)
    if len(parts) < 2:
        raise TargetTooSmall(
            "the target's training images cannot be divided to compare networks by: "
            "no class has two of them"
        )
    folds = [-1] * len(train.x)
    scores = {name: [0.0] * len(train.x) for name in PROBES}
    for number, held in enumerate(parts):
        rest = torch.ones(len(train.x), dtype=torch.bool)
        rest[held] = False
        inner = train.subset(rest.nonzero().squeeze(1))
        for row in held.tolist():
            folds[row] = number
        for name, probe in _probes(_WEIGHT_DECAYS).items():
            values = _scored(probe, inner, train.subset(held))
            for row, value in zip(held.tolist(), values.tolist(), strict=True):
                scores[name][row] = value
    return Judged(scores, folds)


def judge_test(runner: BatchRunner, found: Inspected) -> Judged:
    """Judges a network on the target's test images; once, for the verdict.

    Args:
        runner: Runs the network.
        found: The target.

    Raises:
        UserError: The network fails on the images.
    """
    train, test = labeled_pair(
        features_of(runner, found.train, found.class_names),
        features_of(runner, found.test, found.class_names),
    )
    return Judged(
        {
            name: _scored(probe, train, test).tolist()
            for name, probe in _probes(None).items()
        }
    )


def features_of(
    runner: BatchRunner, split: Split, class_names: Sequence[str]
) -> LabeledFeatures:
    """Returns the features of a split with its labels.

    Args:
        runner: Runs the network.
        split: The images.
        class_names: Of all classes; one that no image of the split has is left out.

    Returns:
        (N, D) features of length 1, or of zeros where the network answers nothing to an
        image, which counts against it; (N,) classes, or (N, C) where an image may have
        several.

    Raises:
        UserError: An image cannot be read any more, or has a feature of NaN.
    """
    x, broken = extract_in_memory(runner, Path(split.root), split.image_ids)
    check_broken(split, {split.image_ids[row]: why for row, why in broken.items()})
    return labelled(torch.from_numpy(x), split, class_names)


def check_broken(split: Split, broken: Mapping[str, str]) -> None:
    """Refuses to judge a network by fewer images than others.

    Args:
        split: Of the target.
        broken: Images without a feature, and why.

    Raises:
        UserError: The network is not to blame for one, or its features are no numbers.
    """
    bad = {image: why for image, why in broken.items() if why != ALL_ZERO}
    if bad:
        image, why = next(iter(bad.items()))
        raise ImagesUnreadable(
            f"{Path(split.root, image)} has no feature ({why}), and {len(bad) - 1} "
            "other images: every network is judged by the same ones"
        )


def labelled(x: Tensor, split: Split, class_names: Sequence[str]) -> LabeledFeatures:
    """Joins the features of a split and its labels, see `features_of`.

    Args:
        x: (N, D) features, in the order of the split.
        split: The images.
        class_names: See `features_of`.
    """
    seen = {name for names in split.labels for name in names}
    names = [name for name in class_names if name in seen]
    index = {name: place for place, name in enumerate(names)}
    if all(len(labels) == 1 for labels in split.labels):
        y = torch.tensor([index[one] for (one,) in split.labels])
        return LabeledFeatures(x, y, names)
    y = torch.zeros(len(split), len(names))
    for row, labels in enumerate(split.labels):
        y[row, [index[name] for name in labels]] = 1
    return LabeledFeatures(x, y, names)


def _probes(weight_decays: tuple[float, ...] | None) -> dict[str, Probe]:
    options: dict[str, Any] = {"weight_decays": weight_decays} if weight_decays else {}
    return dict(zip(PROBES, make_probes(PROBES, **options), strict=True))


def _scored(probe: Probe, train: LabeledFeatures, test: LabeledFeatures) -> Tensor:
    """Returns (N,) per cent, see `Judged`."""
    found, _ = probe.method(train, test, 0)
    if test.y.dim() == 1:
        return 100 * (found.argmax(1) == test.y).double()
    return 100 * ranking_precision(found, test.y)


def ranking_precision(scores: Tensor, y: Tensor) -> Tensor:
    """Returns, of each image, the mean precision at the ranks of its classes.

    The term of an image in the label ranking average precision (Tsoumakas et al.,
    "Mining Multi-label Data", 2010, section 4). An image without a class, or with all,
    cannot be ranked wrongly: 1.

    Args:
        scores: (N, C).
        y: (N, C) zero-one.

    Returns:
        (N,) between 0 and 1.
    """
    # Of equal scores all rank last: a constant is worth no more than chance.
    higher = (scores[:, None, :] >= scores[:, :, None]).double()  # (N, class, others)
    rank = higher.sum(2)
    above = (higher * y[:, None, :]).sum(2)
    count = y.sum(1)
    values = (y * above / rank).sum(1) / count.clamp_min(1)
    return torch.where((count == 0) | (count == y.shape[1]), 1.0, values)
