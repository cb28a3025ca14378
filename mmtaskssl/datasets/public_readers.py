"""Lists the official parts of public image sets, as their downloads unpack.

torchvision's readers do the parsing wherever torchvision has one; nothing here
downloads, and no image is opened.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torchvision import datasets

from mmtaskssl.utils.families import (
    BadLabels,
    ClassMismatch,
    FileMissing,
    TargetTooSmall,
)

from .images import list_images

#: Training images a class of Caltech-101 (Fei-Fei et al., 2004), whatever the split.
CALTECH_SHOTS = 30
_BACKGROUND = "BACKGROUND_Google"


@dataclass(frozen=True)
class Listing:
    """The images of one part of a set.

    Attributes:
        files: One path a row; for sets of arrays a name that ends in the array's row.
        labels: Class of each row, or an int8 tensor (C,): 1 present, 0 absent, -1 left
            open by the annotators.
        class_names: In label order.
        pixels: (N, H, W, 3) uint8 of sets that are no image files.
    """

    files: list[Path]
    labels: list[int] | list[Tensor]
    class_names: list[str]
    pixels: np.ndarray | None = None


#: (data root, official part, seed of a draw) -> its images.
Reader = Callable[[Path, str, int], Listing]


def image_rows(labels: Iterable[int]) -> dict[int, list[int]]:
    """Returns the rows of each label."""
    rows = defaultdict(list)
    for row, label in enumerate(labels):
        rows[label].append(row)
    return rows


def shuffled(rows: Sequence[int], seed: int, name: str) -> list[int]:
    """Returns the rows of the class ``name`` in an order that ``seed`` draws."""
    rows = list(rows)
    # A string seeds by its bytes, equal in all versions and processes.
    random.Random(f"{seed} {name}").shuffle(rows)
    return rows


def aircraft(root: Path, part: str, seed: int) -> Listing:
    """FGVC-Aircraft, 100 variants."""
    data = datasets.FGVCAircraft(root, part, "variant")
    return _listing(data._image_files, data._labels, data.classes)


def caltech101(root: Path, part: str, seed: int) -> Listing:
    """Caltech-101: 30 drawn images of each class to train on, the rest to test.

    With its background class, which makes the 102 classes and 9,144 images of the
    usual protocol; torchvision leaves it out.
    """
    folder = root / "caltech101" / "101_ObjectCategories"
    data = datasets.Caltech101(root)
    # In torchvision's numbering: the background comes behind.
    class_names = [*data.categories, _BACKGROUND]
    files, labels = [], []
    for label, name in enumerate(class_names):
        images = sorted((folder / name).glob("*.jpg"))
        if len(images) <= CALTECH_SHOTS:
            raise TargetTooSmall(
                f"{folder / name} holds {len(images)} images: Caltech-101 takes "
                f"{CALTECH_SHOTS} of each class to train and the rest to test"
            )
        rows = shuffled(range(len(images)), seed, name)
        part_rows = (
            slice(CALTECH_SHOTS) if part == "train" else slice(CALTECH_SHOTS, None)
        )
        files += [images[row] for row in sorted(rows[part_rows])]
        labels += [label] * (len(files) - len(labels))
    return _listing(files, labels, class_names)


def cars(root: Path, part: str, seed: int) -> Listing:
    """Stanford Cars."""
    data = datasets.StanfordCars(root, part)
    files, labels = zip(*data._samples, strict=True)
    return _listing(files, labels, data.classes)


def cifar10(root: Path, part: str, seed: int) -> Listing:
    """CIFAR-10."""
    return _cifar(datasets.CIFAR10, root, part)


def cifar100(root: Path, part: str, seed: int) -> Listing:
    """CIFAR-100, fine labels."""
    return _cifar(datasets.CIFAR100, root, part)


def dtd(root: Path, part: str, seed: int) -> Listing:
    """Describable Textures, the first of its ten splits."""
    data = datasets.DTD(root, part, partition=1)
    return _listing(data._image_files, data._labels, data.classes)


def flowers102(root: Path, part: str, seed: int) -> Listing:
    """Oxford Flowers-102."""
    data = datasets.Flowers102(root, part)
    class_names = getattr(data, "classes", None)  # names came late to torchvision
    class_names = class_names or [f"class_{label}" for label in range(102)]
    return _listing(data._image_files, data._labels, class_names)


def food101(root: Path, part: str, seed: int) -> Listing:
    """Food-101."""
    data = datasets.Food101(root, part)
    return _listing(data._image_files, data._labels, data.classes)


def imagenet(root: Path, part: str, seed: int) -> Listing:
    """ImageNet-1k in class folders; its validation images are what one tests on."""
    classes = sorted(p.name for p in (root / "imagenet/train").iterdir() if p.is_dir())
    folder = root / "imagenet" / ("train" if part == "train" else "val")
    base, image_ids = list_images(folder)
    index = {name: label for label, name in enumerate(classes)}
    names = [image_id.partition("/")[0] for image_id in image_ids]
    unknown = next((name for name in names if name not in index), None)
    if unknown is not None:
        raise ClassMismatch(
            f"{folder} holds {unknown}, which is no class folder of "
            f"{root / 'imagenet/train'}: sort the images into the class folders"
        )
    return _listing(
        [base / image_id for image_id in image_ids],
        [index[name] for name in names],
        classes,
    )


def pets(root: Path, part: str, seed: int) -> Listing:
    """Oxford-IIIT Pets, 37 breeds."""
    data = datasets.OxfordIIITPet(root, "trainval" if part == "train" else "test")
    return _listing(data._images, data._labels, data.classes)


def places205(root: Path, part: str, seed: int) -> Listing:
    """Places205; its validation images are what one tests on."""
    folder = root / "Places205"
    lists = folder / "trainvalsplit_places205"
    listing = lists / f"{'train' if part == 'train' else 'val'}_places205.csv"
    images = folder / "data/vision/torralba/deeplearning/images256"
    files, labels = [], []
    names = {}
    for number, line in enumerate(listing.read_text().splitlines(), 1):
        name, _, label = line.strip().rpartition(" ")
        if not name or not label.isdigit():
            raise BadLabels(f"{listing}, line {number}, is not IMAGE LABEL")
        files.append(images / name)
        labels.append(int(label))
        names.setdefault(labels[-1], str(Path(name).parent))
    class_names = [
        names.get(i, f"class_{i}") for i in range(max(names, default=-1) + 1)
    ]
    return _listing(files, labels, class_names)


def sun397(root: Path, part: str, seed: int) -> Listing:
    """SUN397, the first of its ten splits."""
    folder = root / "SUN397"
    data = datasets.SUN397(root)
    rows = {
        path.relative_to(folder).as_posix(): row
        for row, path in enumerate(data._image_files)
    }
    listing = folder / f"{'Training' if part == 'train' else 'Testing'}_01.txt"
    chosen = []
    for number, line in enumerate(listing.read_text().splitlines(), 1):
        name = line.strip().lstrip("/")
        if name and name not in rows:
            raise FileMissing(
                f"{folder / name} does not exist, but {listing}, line {number}, lists "
                "it"
            )
        chosen += [rows[name]] if name else []
    return _listing(
        [data._image_files[row] for row in chosen],
        [data._labels[row] for row in chosen],
        data.classes,
    )


def voc2007(root: Path, part: str, seed: int) -> Listing:
    """PASCAL VOC 2007 classification: 20 classes, any number of them an image.

    A class of which an image has difficult objects only is left open, as in the
    challenge, where such images count neither for nor against that class.
    """
    data = datasets.VOCDetection(root, "2007", part)
    lists = root / "VOCdevkit/VOC2007/ImageSets/Main"
    images = [Path(path).stem for path in data.images]
    index = {image: row for row, image in enumerate(images)}
    class_names = sorted(
        path.stem.removesuffix(f"_{part}") for path in lists.glob(f"*_{part}.txt")
    )
    targets = torch.zeros(len(images), len(class_names), dtype=torch.int8)
    for column, name in enumerate(class_names):
        listing = lists / f"{name}_{part}.txt"
        for number, line in enumerate(listing.read_text().splitlines(), 1):
            image, _, value = line.strip().partition(" ")
            if image not in index or value.strip() not in ("-1", "0", "1"):
                raise BadLabels(
                    f"{listing}, line {number}, is not IMAGE -1, 0 or 1 of an image "
                    f"in {part}.txt"
                )
            # Absent, difficult objects only, and present.
            targets[index[image], column] = (0, -1, 1)[int(value) + 1]
    return _listing(data.images, list(targets), class_names)


def _cifar(reader: type[datasets.CIFAR10], root: Path, part: str) -> Listing:
    data = reader(root, part == "train")
    folder = root / data.base_folder / part
    files = [folder / f"{row:05d}" for row in range(len(data.data))]
    return Listing(files, list(data.targets), list(data.classes), data.data)


def _listing(
    files: Iterable[str | Path],
    labels: Iterable[int] | list[Tensor],
    class_names: Sequence[str],
) -> Listing:
    labels = [y if isinstance(y, Tensor) else int(y) for y in labels]
    return Listing([Path(path) for path in files], labels, list(class_names))
