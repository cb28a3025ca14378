"""Features that were computed once, as a teacher."""

import json
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.logging import print_log
from torch import Tensor

from ..models.teachers import Taught, Teacher
from ..registry import MODELS
from ..utils.copies import to_device
from ..utils.families import TeacherMisfit
from .fingerprint import fingerprint
from .same_images import check_same_images
from .store import FeatureStore


@MODELS.register_module()
class StoreTeacher(Teacher):
    """A feature store: an epoch then costs the student alone.

    What it says of an image is the same for every crop: the teacher's feature of the
    whole image, as the store has it (L2-normalised, float16). Images are found by their
    ids, so the store may hold more of them and in another order.

    Args:
        store: Its folder.
        labels: See `Teacher`.

    Raises:
        UserError: No complete store.
    """

    def __init__(self, store: str | os.PathLike, labels: str | None = None) -> None:
        opened = FeatureStore.open(store)
        super().__init__(str(store), fingerprint(opened), opened.dim, labels)
        self.store = opened
        self._rows: np.ndarray | None = None
        print_log(f"teacher: {json.dumps(self.describe())}", "current")

    def bind(
        self, image_ids: Sequence[str], root: str | os.PathLike | None = None
    ) -> None:
        """Finds the training images in the store.

        Args:
            image_ids: Of the training's data set, in the order of ``sample_idx``.
            root: Folder of the images; None: not known.

        Raises:
            UserError: The store lacks one, has no feature of it, or is of other images
                by the same names.
        """
        row_of = {name: row for row, name in enumerate(self.store.image_ids)}
        missing = [name for name in image_ids if name not in row_of]
        if missing:
            raise TeacherMisfit(
                f"{len(missing)} of {len(image_ids)} training images are not in the "
                f"teacher's feature store {self.name}, the first: "
                f"{', '.join(missing[:3])}; extract them with the same root"
            )
        rows = np.array([row_of[name] for name in image_ids], np.int64)
        bad = np.isin(rows, self.store.bad_rows)
        if bad.any():
            first = image_ids[int(bad.argmax())]
            raise TeacherMisfit(
                f"{int(bad.sum())} training images have no feature in the teacher's "
                f"feature store {self.name}, such as {first}, which could not be read: "
                "leave them out of the selection"
            )
        if root is not None:
            check_same_images(self.store, root, image_ids)
        self._rows = rows

    def teach(self, images: Tensor | None, data_samples: Sequence[Any]) -> Taught:
        """See `Teacher.teach`."""
        if self._rows is None:
            raise TeacherMisfit(
                f"the teacher's feature store {self.name} was not told the training "
                "images: train with `pretrain`"
            )
        index = [sample.sample_idx for sample in data_samples]
        features = torch.from_numpy(self.store.read(self._rows[index]))
        return Taught(to_device(features, self.sha256.device))
