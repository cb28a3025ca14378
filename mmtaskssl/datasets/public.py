import os
from pathlib import Path, PurePath

import numpy as np
from torch import Tensor

from mmtaskssl.registry import DATASETS
from mmtaskssl.utils.families import OptionConflict

from .images import shrink
from .labeled import LabeledImages
from .public_sets import read_public


@DATASETS.register_module()
class PublicImages(LabeledImages):
    """One split of a public image set, as its official download unpacks.

    A sample is `LabeledImages`' one. ``label`` of a set with several labels an image
    (VOC2007) is an int8 tensor (C,): 1 present, 0 absent, -1 left open.

    Sets without official validation images have some of each class drawn from their
    training images; see `public_sets.PUBLIC_SETS` for the sets and where they lie.

    Args:
        name: Such as "aircraft".
        data_root: The folder that all the sets lie in; nothing is downloaded.
        split: "train", "val", "train+val" or "test".
        seed: Draws the validation images of sets that come without (and of
            ``fraction`` and ``shots``).
        **kwargs: See `LabeledImages` and `UnlabeledImages`.

    Attributes:
        class_names (list[str]): One name per label.
        labels (list): One label per sample.

    Raises:
        UserError: The set is absent or damaged; says what belongs where.
    """

    def __init__(
        self,
        name: str,
        data_root: str,
        split: str = "train+val",
        seed: int = 0,
        **kwargs,
    ) -> None:
        self.name, self.split = name, split
        self._listing = read_public(name, data_root, split, seed)
        self._pixels = self._listing.pixels
        several = isinstance(self._listing.labels[0], Tensor)
        drawn = kwargs.get("fraction"), kwargs.get("shots")
        if several and any(part is not None for part in drawn):
            raise OptionConflict(
                f"fraction and shots need one label an image, which {name} has not"
            )
        super().__init__(str(data_root), seed=seed, **kwargs)
        del self._listing

    @property
    def metainfo(self) -> dict:
        """`LabeledImages`' facts, the set's name and the split."""
        return dict(super().metainfo, name=self.name, split=self.split)

    def read(
        self, path: str | os.PathLike, short_side: int | None = None
    ) -> np.ndarray:
        """Returns the pixels (H, W, 3) of a file, or of a row of the set's arrays."""
        if self._pixels is None:
            return super().read(path, short_side)
        pixels = np.ascontiguousarray(self._pixels[int(PurePath(path).name)])
        return shrink(pixels, short_side)

    def _list(self, root: str | None, column: str | None) -> tuple[Path, list[str]]:
        base = Path(self.source).expanduser()
        return base, [f.relative_to(base).as_posix() for f in self._listing.files]

    def _find_labels(self, class_names: list[str] | None) -> tuple[list[str], list]:
        return self._listing.class_names, self._listing.labels
