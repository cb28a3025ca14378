"""A pool and a target, as they were found."""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from ...datasets.annotations.findings import Finding
from ...report.result import Result

TaskKind = Literal["classification", "multilabel", "detection", "segmentation"]
#: Tasks of which the verdict is by fine-tuning.
DENSE = ("detection", "segmentation")


@dataclasses.dataclass(frozen=True, eq=False)
class Split:
    """Images of one part of a target, with what is known of them.

    Attributes:
        root: Folder of the images.
        image_ids: Paths relative to it, each once, all readable.
        labels: Of each image the classes that are in it: exactly one of a
            classification, any number of other tasks.
        annotations: Of a detection a COCO JSON of these images, whose file names are
            the ids; of a segmentation the folder of the masks; of others None.
        masks: Of a segmentation the mask of each image, relative to that folder.
    """

    root: str
    image_ids: Sequence[str]
    labels: Sequence[tuple[str, ...]] = dataclasses.field(repr=False)
    annotations: str | None = None
    masks: Sequence[str] = dataclasses.field(default=(), repr=False)

    def __len__(self) -> int:
        return len(self.image_ids)

    @property
    def paths(self) -> list[str]:
        """Whole paths of the images."""
        return [str(Path(self.root, image)) for image in self.image_ids]


@dataclasses.dataclass(frozen=True, eq=False)
class Inspected(Result):
    """A pool and a target, as they were found.

    Attributes:
        kind: The task of the target.
        class_names: All of them, sorted; of a segmentation by their index.
        train: Images to learn from and to choose by.
        test: Images for the verdict, once, at the end.
        pool_root: Folder of the pool.
        pool_ids: Images of the pool that may be trained on: readable, and no copies of
            test images.
        kept_out: Of images of the pool that may not, why not.
        short_side: Median short side of the target's training images, pixels.
        findings: For the owner.
        facts: How the target was read and divided, JSON-ready; of a segmentation
            "void" is the index in masks of what belongs to no class, and "first_index"
            that of the first class (1 where 0 is void).
        inputs: Tells the images and labels from any others, JSON-ready.
    """

    kind: TaskKind
    class_names: Sequence[str]
    train: Split
    test: Split
    pool_root: str
    pool_ids: Sequence[str] = dataclasses.field(repr=False)
    kept_out: Mapping[str, str] = dataclasses.field(repr=False)
    short_side: int
    findings: Sequence[Finding]
    facts: Mapping[str, Any] = dataclasses.field(repr=False)
    inputs: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False)

    def table(self) -> str:
        """Returns the main figures and findings, a line each."""
        rows = [
            ("task", f"{self.kind}, {len(self.class_names)} classes"),
            ("pool", f"{len(self.pool_ids):,} images in {self.pool_root}"),
            ("kept out of the pool", f"{len(self.kept_out):,}"),
            ("target", f"{len(self.train):,} to train, {len(self.test):,} to test"),
            ("short side of its images", f"{self.short_side} px (median)"),
        ]
        lines = [f"  {name:<26} {value}" for name, value in rows]
        return "\n".join([*lines, *(f"  {f.level}: {f.text}" for f in self.findings)])

    def summary(self) -> dict[str, Any]:
        """Returns `to_dict` without the lists of images, JSON-ready."""
        found = {
            name: getattr(self, name)
            for name in ("kind", "pool_root", "short_side", "facts", "inputs")
        }
        found["class_names"] = list(self.class_names)
        found["findings"] = [dataclasses.asdict(one) for one in self.findings]
        found["pool"] = len(self.pool_ids)
        found["kept_out"] = len(self.kept_out)
        for name, part in (("train", self.train), ("test", self.test)):
            count = Counter(label for labels in part.labels for label in labels)
            found[name] = {
                "root": part.root,
                "images": len(part),
                "annotations": part.annotations,
                "classes": {name: count[name] for name in self.class_names},
            }
        return found

    def to_dict(self) -> dict[str, Any]:
        """Returns all that was found, JSON-ready."""
        return dataclasses.asdict(self)

    def save(self, folder: str | Path, overwrite: bool = False) -> Path:
        """Writes inspection.json, and a table of each list of images.

        Args:
            folder: See `Result.save`.
            overwrite: See `Result.save`.

        Raises:
            UserError: See `Result.save`.
        """
        from . import files

        inputs = self.inputs or {"found": self.to_dict()}
        work = files.work_of(inputs)
        work.state(folder, overwrite)
        with work.written(folder) as temporary:
            files.write(temporary, self, Path(folder))
        return Path(folder)

    @classmethod
    def open(cls, folder: str | Path) -> "Inspected":
        """Reads what was saved.

        Args:
            folder: See `save`.

        Raises:
            UserError: There is none, it is not finished, or was changed.
        """
        from . import files

        return files.read(folder)
