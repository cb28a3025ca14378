"""What a network that taught, or any other, makes of the images of a search."""

import os
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..datasets.images import ImagesLike, list_images
from ..features.extract import extract
from ..features.extractor import extractor_of
from ..features.fingerprint import fingerprint
from ..features.opening import NetworkLike
from ..features.runner import BatchRunner
from ..features.same_images import check_same_images
from ..features.sources import is_store
from ..features.store import FeatureStore
from ..networks.hugging_face import PREFIX, open_hugging_face
from ..networks.named import split_weights
from ..utils.errors import option
from ..utils.families import TeacherMisfit

# Mean square, of rows of length one, that float16 leaves of features without variance.
_CONSTANT = 1e-6

TeacherLike = FeatureStore | NetworkLike | BatchRunner


def teacher_features(
    teacher: TeacherLike,
    images: ImagesLike,
    image_ids: Sequence[str],
    root: str | None,
    device: str | torch.device,
    trust: bool = False,
) -> tuple[Tensor, dict[str, Any]]:
    """Returns a network's features of images, without their mean.

    Args:
        teacher: A feature store that holds them, or its folder; or a network, see
            `open_extractor`, which may be ``NETWORK=FILE`` or ``hf:FOLDER``; or what
            runs one, see `open_runner`.
        images: What was searched, see `list_images`.
        image_ids: N of them.
        root: Folder that listed paths are relative to.
        device: Where a network runs.
        trust: Load weights even if that runs code in them.

    Returns:
        (N, T) float32, L2-normalised before the mean was taken off; and what tells
        them from others, JSON-ready.

    Raises:
        UserError: There is no such network or store, or it has no feature of one.
    """
    store = _open(teacher)
    base, _ = list_images(images, root)
    if store is not None:
        check_same_images(store, base, image_ids)
        identity = {"store": fingerprint(store)}
    else:
        network = _network(teacher)
        running = {"device": device, "trust": trust, "workers": 0}
        if isinstance(network, BatchRunner):
            running = {}
        store = extract(network, [*image_ids], root=base, **running)
        # Its features differ in rounding from machine to machine.
        identity = {key: store.manifest[key] for key in ("extractor", "transform")}
    row_of = {name: row for row, name in enumerate(store.image_ids)}
    rows = [row_of.get(name, -1) for name in image_ids]
    bad = {-1, *(int(row) for row in store.bad_rows)}
    missing = [n for n, row in zip(image_ids, rows, strict=True) if row in bad]
    if missing:
        raise TeacherMisfit(
            f"{len(missing)} of the {len(rows)} images have no feature of "
            f"{option('teacher')} {store.path}, the first: {missing[0]}; extract them "
            "with the same root, or name a network"
        )
    features = torch.from_numpy(store.read(rows)).float()
    features -= features.mean(0)
    if features.square().sum(1).mean() < _CONSTANT:
        raise TeacherMisfit(
            f"{option('teacher')} makes the same features of all {len(rows)} images, "
            "so nothing can be compared with them: is it trained?"
        )
    return features, identity


def _open(teacher: TeacherLike) -> FeatureStore | None:
    if isinstance(teacher, str | os.PathLike):
        # hf:/a/folder is no address, at which there may be a store.
        known = os.fspath(teacher).startswith(PREFIX) or not is_store(teacher)
        return None if known else FeatureStore.open(teacher)
    return teacher if isinstance(teacher, FeatureStore) else None


def _network(teacher: NetworkLike | BatchRunner) -> NetworkLike | BatchRunner:
    if not isinstance(teacher, str | os.PathLike):
        return teacher
    name, weights = split_weights(os.fspath(teacher))
    if name.startswith(PREFIX):
        return extractor_of(open_hugging_face(name.removeprefix(PREFIX)))
    return name if weights is None else (name, weights)
