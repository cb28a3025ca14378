from collections.abc import Sequence
from typing import Any

import torch

from mmtaskssl.registry import DATASETS
from mmtaskssl.utils.families import ClassMismatch, OptionConflict

from .label_table import read_label_table
from .labeled import LabeledImages


@DATASETS.register_module()
class TableImages(LabeledImages):
    """Images whose labels stand in a table beside their paths.

    A sample is `LabeledImages`' one; of images with several labels ``label`` is an int8
    tensor (C,), 1 where the class is in the image.

    Args:
        source: ``.csv`` or ``.jsonl`` with the columns ``image`` and ``label``, or
            ``image`` and ``labels``; see `read_label_table`.
        class_names: The classes in label order; others may not be in the table.
        **kwargs: See `LabeledImages` and `UnlabeledImages`.

    Raises:
        UserError: An unreadable table, an unknown class, or a part that cannot be drawn
            of images with several labels.
    """

    def __init__(self, source: str, class_names: Sequence[str], **kwargs: Any) -> None:
        super().__init__(source, class_names, **kwargs)

    def _find_labels(self, class_names: Sequence[str] | None) -> tuple[list[str], list]:
        known = list(class_names or ())
        y, found = read_label_table(self.source, self.image_ids)
        if unknown := sorted({*found} - {*known}):
            raise ClassMismatch(
                f"{self.source} has labels that are no class: {unknown}"
            )
        places = [known.index(name) for name in found]
        if y.dim() == 1:
            return known, [places[label] for label in y.tolist()]
        labels = torch.zeros(len(y), len(known), dtype=torch.int8)
        labels[:, places] = y.to(torch.int8)
        return known, list(labels)

    def _draw(self, *part: Any) -> Any:
        if isinstance(self.labels[0], torch.Tensor):
            raise OptionConflict(
                f"fraction and shots need one label an image, but {self.source} has "
                "several"
            )
        return super()._draw(*part)
