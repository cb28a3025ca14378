"""Which public image sets there are, where they lie, and how they are divided."""

from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.families import FileFormat, FileMissing, NoImages, UnknownName

from . import public_readers as readers
from .public_readers import Listing, Reader, image_rows, shuffled

SPLITS = ("train", "val", "train+val", "test")


class AbsentData(FileMissing):
    """A public set is not on this disk; the message says what belongs where."""


@dataclass(frozen=True)
class PublicSet:
    """One public image set.

    Attributes:
        title: Its name in tables.
        read: Lists an official part.
        files: What must be below the data root.
        download: What to unpack there, and from where.
        val: Share of each class's official training images that validates; None: the
            set has an official validation part.
    """

    title: str
    read: Reader
    files: tuple[str, ...]
    download: str
    val: float | None = None


# Validation shares as in Kornblith et al., "Do Better ImageNet Models Transfer
# Better?", CVPR 2019, and SimCLR and BYOL after them; those of ImageNet and Places205
# are ours.
PUBLIC_SETS = {
    "aircraft": PublicSet(
        "Aircraft",
        readers.aircraft,
        ("fgvc-aircraft-2013b/data/images", "fgvc-aircraft-2013b/data/variants.txt"),
        "fgvc-aircraft-2013b.tar.gz of www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft",
    ),
    "caltech101": PublicSet(
        "Caltech-101",
        readers.caltech101,
        ("caltech101/101_ObjectCategories/BACKGROUND_Google",),
        "101_ObjectCategories.tar.gz, which is in caltech-101.zip of "
        "data.caltech.edu/records/20086, inside caltech101",
        1 / 6,
    ),
    "cars": PublicSet(
        "Cars",
        readers.cars,
        (
            "stanford_cars/cars_train",
            "stanford_cars/cars_test",
            "stanford_cars/devkit",
            "stanford_cars/cars_test_annos_withlabels.mat",
        ),
        "cars_train.tgz, cars_test.tgz, car_devkit.tgz and "
        "cars_test_annos_withlabels.mat of Stanford Cars inside stanford_cars",
        0.2,
    ),
    "cifar10": PublicSet(
        "CIFAR-10",
        readers.cifar10,
        ("cifar-10-batches-py",),
        "cifar-10-python.tar.gz of www.cs.toronto.edu/~kriz/cifar.html",
        0.1,
    ),
    "cifar100": PublicSet(
        "CIFAR-100",
        readers.cifar100,
        ("cifar-100-python",),
        "cifar-100-python.tar.gz of www.cs.toronto.edu/~kriz/cifar.html",
        0.1,
    ),
    "dtd": PublicSet(
        "DTD",
        readers.dtd,
        ("dtd/dtd/images", "dtd/dtd/labels"),
        "dtd-r1.0.1.tar.gz of www.robots.ox.ac.uk/~vgg/data/dtd inside a folder dtd",
    ),
    "flowers102": PublicSet(
        "Flowers-102",
        readers.flowers102,
        ("flowers-102/jpg", "flowers-102/imagelabels.mat", "flowers-102/setid.mat"),
        "102flowers.tgz, and the files imagelabels.mat and setid.mat, of "
        "www.robots.ox.ac.uk/~vgg/data/flowers/102 inside flowers-102",
    ),
    "food101": PublicSet(
        "Food-101",
        readers.food101,
        ("food-101/images", "food-101/meta"),
        "food-101.tar.gz of data.vision.ee.ethz.ch/cvl/datasets_extra/food-101",
        0.1,
    ),
    "pets": PublicSet(
        "Pets",
        readers.pets,
        ("oxford-iiit-pet/images", "oxford-iiit-pet/annotations"),
        "images.tar.gz and annotations.tar.gz of www.robots.ox.ac.uk/~vgg/data/pets "
        "inside oxford-iiit-pet",
        0.2,
    ),
    "sun397": PublicSet(
        "SUN397",
        readers.sun397,
        ("SUN397/ClassName.txt", "SUN397/Training_01.txt", "SUN397/Testing_01.txt"),
        "SUN397.tar.gz of vision.princeton.edu/projects/2010/SUN, and Partitions.zip "
        "inside SUN397",
        0.2,
    ),
    "voc2007": PublicSet(
        "VOC2007",
        readers.voc2007,
        (
            "VOCdevkit/VOC2007/JPEGImages",
            "VOCdevkit/VOC2007/ImageSets/Main/trainval.txt",
            "VOCdevkit/VOC2007/ImageSets/Main/test.txt",
        ),
        "VOCtrainval_06-Nov-2007.tar and VOCtest_06-Nov-2007.tar of "
        "host.robots.ox.ac.uk/pascal/VOC/voc2007",
    ),
    "imagenet": PublicSet(
        "ImageNet",
        readers.imagenet,
        ("imagenet/train", "imagenet/val"),
        "ILSVRC2012 as imagenet/train/CLASS/IMAGE and imagenet/val/CLASS/IMAGE",
        0.01,
    ),
    "places205": PublicSet(
        "Places205",
        readers.places205,
        (
            "Places205/trainvalsplit_places205/train_places205.csv",
            "Places205/trainvalsplit_places205/val_places205.csv",
            "Places205/data/vision/torralba/deeplearning/images256",
        ),
        "trainvalsplit_places205.tar.gz and imagesPlaces205_resize.tar.gz of "
        "places.csail.mit.edu inside Places205",
        0.01,
    ),
}


def read_public(
    name: str, data_root: str | Path, split: str = "train+val", seed: int = 0
) -> Listing:
    """Lists the images of one split of a public set.

    Args:
        name: A key of `PUBLIC_SETS`.
        data_root: The folder that all the sets lie in, as torchvision lays them out.
        split: "train", "val", "train+val" or "test".
        seed: Draws the validation images of sets that come without, and the training
            images of Caltech-101.

    Raises:
        UserError: An unknown name or split, or a damaged set.
        AbsentData: The set is not there.
    """
    if name not in PUBLIC_SETS:
        raise UnknownName(
            f"there is no public set {name!r}; known are {', '.join(PUBLIC_SETS)}"
        )
    if split not in SPLITS:
        raise UnknownName(f"split is one of {', '.join(SPLITS)}, not {split!r}")
    public, root = PUBLIC_SETS[name], Path(data_root).expanduser()
    for path in public.files:
        if not (root / path).exists():
            raise AbsentData(
                f"{public.title} is not in {root}: {root / path} does not exist; "
                f"unpack {public.download}"
            )
    try:
        listing = _read_split(public, root, split, seed)
    except UserError:
        raise
    # What torchvision's readers raise on files that are missing or not as they were.
    except (RuntimeError, OSError, ValueError, LookupError, TypeError) as error:
        raise FileFormat(
            f"{public.title} in {root} cannot be read ({_reason(error)}): unpack "
            f"{public.download} again"
        ) from error
    if not listing.files:
        raise NoImages(f"{public.title} in {root} has no images in its split {split}")
    if listing.pixels is None and not listing.files[0].is_file():
        raise FileMissing(
            f"{public.title} lists {listing.files[0]}, which does not exist: unpack "
            f"{public.download} again"
        )
    return listing


def _reason(error: Exception) -> str:
    """One line; torchvision advises to download, which its readers do nowhere here."""
    text = " ".join(str(error).split()) or type(error).__name__
    if "download=True" in text:
        return "its files are not those of the official download"
    return text


def _read_split(public: PublicSet, root: Path, split: str, seed: int) -> Listing:
    if public.val is None and split == "train+val":
        return _join(*(public.read(root, part, seed) for part in ("train", "val")))
    if public.val is None or split == "test":
        return public.read(root, split, seed)
    listing = public.read(root, "train", seed)
    if split == "train+val":
        return listing
    held_out = _held_out(listing, public.val, seed)
    wanted = [
        row
        for row in range(len(listing.files))
        if (row in held_out) == (split == "val")
    ]
    return _rows(listing, wanted)


def _held_out(listing: Listing, share: float, seed: int) -> set[int]:
    """Draws the same share of every class; one image at least stays to train on."""
    chosen: set[int] = set()
    for label, rows in image_rows(listing.labels).items():
        count = min(max(1, round(share * len(rows))), len(rows) - 1)
        chosen.update(shuffled(rows, seed, listing.class_names[label])[:count])
    return chosen


def _rows(listing: Listing, rows: list[int]) -> Listing:
    """The arrays stay whole: the names of the files say which row is whose."""
    return replace(
        listing,
        files=[listing.files[row] for row in rows],
        labels=[listing.labels[row] for row in rows],
    )


def _join(first: Listing, second: Listing) -> Listing:
    if first.class_names != second.class_names:
        raise ValueError("its training and validation parts have different classes")
    labels: list[int] | list[Tensor] = [*first.labels, *second.labels]
    return replace(first, files=[*first.files, *second.files], labels=labels)
