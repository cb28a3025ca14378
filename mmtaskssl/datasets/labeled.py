from collections.abc import Sequence
from pathlib import PurePosixPath

from mmtaskssl.registry import DATASETS
from mmtaskssl.utils.errors import UserError

from .unlabeled import UnlabeledImages


@DATASETS.register_module()
class LabeledImages(UnlabeledImages):
    """Images whose first folder is their class: ``CLASS/.../x.jpg``.

    A sample is `UnlabeledImages`' plus ``label`` (int).

    Args:
        source: Folder or list, see `list_images`.
        class_names: The classes in label order, so that a training and a test
            folder agree. Default: the sorted folder names.
        **kwargs: See `UnlabeledImages`.

    Attributes:
        class_names (list[str]): One name per label.
        labels (list[int]): One label per sample.

    Raises:
        UserError: An image lies in no class folder, or in an unknown one.
    """

    def __init__(
        self, source: str, class_names: Sequence[str] | None = None, **kwargs
    ) -> None:
        super().__init__(source, **kwargs)
        folders = []
        for image_id in self.image_ids:
            parts = PurePosixPath(image_id).parts
            if len(parts) < 2:
                raise UserError(
                    f"{image_id} of {source} lies in no class folder: a labelled"
                    " source needs CLASS/image files"
                )
            folders.append(parts[0])
        self.class_names = list(class_names or sorted(set(folders)))
        unknown = sorted(set(folders) - set(self.class_names))
        if unknown:
            raise UserError(f"{source} has folders that are no class: {unknown}")
        label_of = {name: label for label, name in enumerate(self.class_names)}
        self.labels = [label_of[folder] for folder in folders]

    @property
    def metainfo(self) -> dict:
        """`UnlabeledImages`' facts and the class names."""
        return dict(super().metainfo, classes=tuple(self.class_names))

    def get_subset_(self, indices: Sequence[int]) -> None:
        """Keeps only the samples ``indices``, in that order, in place."""
        super().get_subset_(indices)
        self.labels = [self.labels[i] for i in indices]

    def __getitem__(self, index: int) -> dict:
        sample = super().__getitem__(index)
        return dict(sample, label=self.labels[sample["sample_idx"]])
