import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from mmtaskssl.registry import DATASETS
from mmtaskssl.utils.families import (
    BadImageSource,
    BadLabels,
    BadValue,
    ClassMismatch,
    ImagesMismatch,
    OptionConflict,
    TargetTooSmall,
)
from mmtaskssl.utils.inputs import read_text

from .left_out import check_classes
from .unlabeled import UnlabeledImages


@DATASETS.register_module()
class LabeledImages(UnlabeledImages):
    """Images whose first folder is their class: ``CLASS/.../x.jpg``.

    A sample is `UnlabeledImages`' plus ``label`` (int).

    A part of the images serves semi-supervised and few-shot training: ``fraction`` or
    ``shots`` draws it, each class by itself, and the same images for the same seed
    whatever their order; a larger part holds the smaller ones of its seed. ``keep``
    takes a published list instead, such as the ImageNet lists of SimCLR (Chen et al.,
    ICML 2020), ``1percent.txt`` and ``10percent.txt``.

    Args:
        source: Folder or list, see `list_images`.
        fraction: Share of each class's images to draw, rounded, at least one.
        shots: Number of each class's images to draw.
        seed: Of the draw.
        keep: Text file with one image id or one file name a line; the images to keep.
        class_names: The classes in label order, so that a training and a test
            folder agree. Default: the sorted folder names.
        **kwargs: See `UnlabeledImages`.

    Attributes:
        class_names (list[str]): One name per label.
        labels (list[int]): One label per sample.

    Raises:
        UserError: An image lies in no class folder, or in an unknown one; a part that
            cannot be drawn; a list that names none of the images.
    """

    def __init__(
        self,
        source: str,
        class_names: Sequence[str] | None = None,
        fraction: float | None = None,
        shots: int | None = None,
        seed: int = 0,
        keep: str | None = None,
        **kwargs,
    ) -> None:
        _check_part(fraction, shots, keep)
        super().__init__(source, **kwargs)
        self.class_names, self.labels = self._find_labels(class_names)
        if keep is not None:
            self.get_subset_(_listed(self.image_ids, keep))
        elif fraction is not None or shots is not None:
            self.get_subset_(self._draw(fraction, shots, seed))

    def _find_labels(
        self, class_names: Sequence[str] | None
    ) -> tuple[list[str], list[int]]:
        folders = []
        for image_id in self.image_ids:
            parts = PurePosixPath(image_id).parts
            if len(parts) < 2:
                raise BadLabels(
                    f"{image_id} of {self.source} lies in no class folder: a labelled"
                    " source needs CLASS/image files"
                )
            folders.append(parts[0])
        check_classes(self.source, {*folders})
        class_names = list(class_names or sorted(set(folders)))
        unknown = sorted(set(folders) - set(class_names))
        if unknown:
            raise ClassMismatch(
                f"{self.source} has folders that are no class: {unknown}"
            )
        label_of = {name: label for label, name in enumerate(class_names)}
        return class_names, [label_of[folder] for folder in folders]

    @property
    def metainfo(self) -> dict:
        """`UnlabeledImages`' facts and the class names."""
        return dict(super().metainfo, classes=tuple(self.class_names))

    def _draw(
        self, fraction: float | None, shots: int | None, seed: int
    ) -> Iterable[int]:
        """Returns the rows of a stratified part, in order."""
        classes = defaultdict(list)
        for row, label in enumerate(self.labels):
            classes[self.class_names[label]].append(row)
        chosen = []
        for name, rows in classes.items():
            count = shots if shots is not None else max(1, round(fraction * len(rows)))
            if count > len(rows):
                raise TargetTooSmall(
                    f"class {name} of {self.source} has {len(rows)} images, fewer "
                    f"than {shots} shots"
                )
            rows.sort(key=self.image_ids.__getitem__)
            # A string seeds by its bytes, equal in all versions and processes.
            random.Random(f"{seed} {name}").shuffle(rows)
            chosen += rows[:count]
        return sorted(chosen)

    def get_subset_(self, indices: Sequence[int]) -> None:
        """Keeps only the samples ``indices``, in that order, in place."""
        super().get_subset_(indices)
        self.labels = [self.labels[i] for i in indices]

    def __getitem__(self, index: int) -> dict:
        sample = super().__getitem__(index)
        return dict(sample, label=self.labels[sample["sample_idx"]])


def _check_part(fraction: float | None, shots: int | None, keep: str | None) -> None:
    if sum(value is not None for value in (fraction, shots, keep)) > 1:
        raise OptionConflict("name one of fraction, shots and keep, not several")
    if fraction is not None and not 0 < fraction <= 1:
        raise BadValue(f"fraction must be in 0..1 and not 0, not {fraction}")
    if shots is not None and shots < 1:
        raise BadValue(f"shots must be at least 1, not {shots}")


def _listed(image_ids: Sequence[str], keep: str) -> list[int]:
    """Returns the rows whose id or file name stands in the list."""
    try:
        text = read_text(keep)
    except (OSError, UnicodeDecodeError) as error:
        raise BadImageSource(
            f"list of images {keep} cannot be read ({error})"
        ) from error
    names = {line.strip() for line in text.splitlines() if line.strip()}
    rows = [
        row
        for row, image_id in enumerate(image_ids)
        if image_id in names or PurePosixPath(image_id).name in names
    ]
    found = {image_ids[row] for row in rows}
    absent = sorted(names - found - {PurePosixPath(name).name for name in found})
    if absent:
        raise ImagesMismatch(
            f"{len(absent)} of the {len(names)} images that {keep} names are not "
            f"there, such as {absent[0]}"
        )
    if not rows:
        raise BadImageSource(f"list of images {keep} is empty")
    return rows
