"""Small copies of public image sets, in the layout of their official downloads."""

import hashlib
import json
import pickle
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import savemat
from torchvision import datasets

#: Mean colour of each class, far apart: a network without training tells them apart.
COLOURS = [(230, 40, 40), (40, 200, 60), (50, 60, 230), (220, 220, 60)]


def make_public_sets(root, names=None, seed=0) -> Path:
    """Writes the sets ``names`` (None: all) below ``root``."""
    rng = np.random.default_rng(seed)
    for name, make in MAKERS.items():
        if names is None or name in names:
            make(Path(root), rng)
    return Path(root)


def pixels(rng, label, size=12):
    noise = rng.integers(-30, 31, (size, size, 3))
    return np.clip(np.array(COLOURS[label]) + noise, 0, 255).astype(np.uint8)


def write_image(path, rng, label, size=12):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels(rng, label, size)).save(path)


def write_lines(path, lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def aircraft(root, rng):
    data = root / "fgvc-aircraft-2013b/data"
    names = ["707-320", "A300B4"]
    write_lines(data / "variants.txt", names)
    for part, count in (("train", 5), ("val", 4), ("test", 6)):
        lines = []
        for i in range(count):
            image = f"{part}{i:03d}"
            write_image(data / "images" / f"{image}.jpg", rng, i % 2)
            lines.append(f"{image} {names[i % 2]}")
        write_lines(data / f"images_variant_{part}.txt", lines)


def caltech101(root, rng):
    folder = root / "caltech101/101_ObjectCategories"
    classes = {"accordion": 33, "BACKGROUND_Google": 32, "wrench": 31}
    for label, (name, count) in enumerate(classes.items()):
        for i in range(1, count + 1):
            write_image(folder / name / f"image_{i:04d}.jpg", rng, label, 4)
    (folder / "BACKGROUND_Google/tmp").write_text("no image; the download has it too")


def cars(root, rng):
    folder = root / "stanford_cars"
    (folder / "devkit").mkdir(parents=True)
    savemat(
        folder / "devkit/cars_meta.mat",
        {"class_names": np.array(["AM General", "Acura"], dtype=object)},
    )
    for part, count, path in (
        ("train", 10, "devkit/cars_train_annos.mat"),
        ("test", 6, "cars_test_annos_withlabels.mat"),
    ):
        rows = []
        for i in range(count):
            write_image(folder / f"cars_{part}" / f"{i:05d}.jpg", rng, i % 2)
            rows.append((f"{i:05d}.jpg", i % 2 + 1))
        kinds = [("fname", object), ("class", object)]
        savemat(folder / path, {"annotations": np.array(rows, dtype=kinds)})


def cifar(folder, rng, train, test, meta, key, labels):
    folder.mkdir(parents=True)
    for name, count in [*train, test]:
        y = [i % 2 for i in range(count)]
        x = np.stack([pixels(rng, label, 32) for label in y])
        data = x.transpose(0, 3, 1, 2).reshape(count, -1)
        (folder / name).write_bytes(pickle.dumps({"data": data, labels: y}))
    (folder / meta).write_bytes(pickle.dumps({key: ["airplane", "cat"]}))


def cifar10(root, rng):
    train = [(f"data_batch_{i}", 4) for i in range(1, 6)]
    folder = root / "cifar-10-batches-py"
    test = ("test_batch", 6)
    cifar(folder, rng, train, test, "batches.meta", "label_names", "labels")


def cifar100(root, rng):
    folder = root / "cifar-100-python"
    train, test = [("train", 20)], ("test", 6)
    cifar(folder, rng, train, test, "meta", "fine_label_names", "fine_labels")


def dtd(root, rng):
    folder = root / "dtd/dtd"
    for number in (1, 2):  # the second split must not be read
        for part, first in (("train", 0), ("val", 3), ("test", 5)):
            lines = []
            for label, name in enumerate(("banded", "dotted")):
                for i in range(first, first + (3 if part == "train" else 2)):
                    image = f"{name}/{name}_{i:04d}.jpg"
                    lines.append(image)
                    write_image(folder / "images" / image, rng, label)
            chosen = lines if number == 1 else lines[:1]
            write_lines(folder / "labels" / f"{part}{number}.txt", chosen)


def flowers102(root, rng):
    folder = root / "flowers-102"
    for i in range(1, 15):
        write_image(folder / "jpg" / f"image_{i:05d}.jpg", rng, i % 2)
    savemat(folder / "imagelabels.mat", {"labels": [i % 2 + 1 for i in range(1, 15)]})
    savemat(
        folder / "setid.mat",
        {"trnid": [1, 2, 3, 4], "valid": [5, 6, 8], "tstid": list(range(9, 15))},
    )


def food101(root, rng):
    folder = root / "food-101"
    for part, first, count in (("train", 0, 10), ("test", 10, 3)):
        found = {}
        for label, name in enumerate(("apple_pie", "ramen")):
            found[name] = [f"{name}/{i}" for i in range(first, first + count)]
            for image in found[name]:
                write_image(folder / "images" / f"{image}.jpg", rng, label)
        write_lines(folder / "meta" / f"{part}.json", [json.dumps(found)])


def imagenet(root, rng):
    for part, count in (("train", 4), ("val", 2)):
        for label, name in enumerate(("n01440764", "n01443537")):
            for i in range(count):
                path = root / "imagenet" / part / name / f"{name}_{i}.JPEG"
                write_image(path, rng, label)


def pets(root, rng):
    folder = root / "oxford-iiit-pet"
    for part, first, count in (("trainval", 1, 5), ("test", 6, 3)):
        lines = []
        for label, name in enumerate(("Abyssinian", "beagle")):
            for i in range(first, first + count):
                write_image(folder / "images" / f"{name}_{i}.jpg", rng, label)
                lines.append(f"{name}_{i} {label + 1} {label + 1} 1")
        write_lines(folder / "annotations" / f"{part}.txt", lines)


def places205(root, rng):
    folder = root / "Places205"
    images = folder / "data/vision/torralba/deeplearning/images256"
    for part, count in (("train", 4), ("val", 2)):
        lines = []
        for label, name in enumerate(("a/abbey", "b/bar")):
            for i in range(count):
                write_image(images / name / f"{part}_{i}.jpg", rng, label)
                lines.append(f"{name}/{part}_{i}.jpg {label}")
        write_lines(folder / f"trainvalsplit_places205/{part}_places205.csv", lines)


def sun397(root, rng):
    folder = root / "SUN397"
    names = ["/a/abbey", "/b/bar/indoor"]
    write_lines(folder / "ClassName.txt", names)
    for part, first, count in (("Training", 0, 5), ("Testing", 5, 3), ("none", 8, 2)):
        lines = []
        for label, name in enumerate(names):
            for i in range(first, first + count):
                write_image(folder / name[1:] / f"sun_{i}.jpg", rng, label)
                lines.append(f"{name}/sun_{i}.jpg")
        if part != "none":  # the set has images that the first split does not use
            write_lines(folder / f"{part}_01.txt", lines)


def voc2007(root, rng):
    """Image i shows class i % 3; every fifth one also class (i + 1) % 3, difficult."""
    folder = root / "VOCdevkit/VOC2007"
    lists = folder / "ImageSets/Main"
    names = ["aeroplane", "bicycle", "bird"]
    (folder / "Annotations").mkdir(parents=True)
    parts = {"train": range(12), "val": range(12, 24), "test": range(24, 36)}
    parts["trainval"] = range(24)
    for part, numbers in parts.items():
        write_lines(lists / f"{part}.txt", [f"{i:06d}" for i in numbers])
        for label, name in enumerate(names):
            values = []
            for i in numbers:
                value = 1 if i % 3 == label else -1
                if i % 5 == 0 and (i + 1) % 3 == label:
                    value = 0
                values.append(f"{i:06d} {value:2d}")
            write_lines(lists / f"{name}_{part}.txt", values)
    for i in range(36):
        write_image(folder / "JPEGImages" / f"{i:06d}.jpg", rng, i % 3)


MAKERS = {
    make.__name__: make
    for make in (
        *(aircraft, caltech101, cars, cifar10, cifar100, dtd, flowers102),
        *(food101, imagenet, pets, places205, sun397, voc2007),
    )
}


def accept_copies(patch, root) -> None:
    """Tells torchvision the checksums of the copies, which it checks on reading.

    Args:
        patch: Like pytest's ``monkeypatch.setattr``.
        root: Where the copies are.
    """

    def checksum(*path):
        file = Path(root, *path)
        return hashlib.md5(file.read_bytes()).hexdigest() if file.is_file() else None

    for reader in (datasets.CIFAR10, datasets.CIFAR100):
        base = reader.base_folder
        for files in ("train_list", "test_list"):
            names = [name for name, _ in getattr(reader, files)]
            patch(reader, files, [[name, checksum(base, name)] for name in names])
        meta = reader.meta
        patch(reader, "meta", {**meta, "md5": checksum(base, meta["filename"])})
    flowers = datasets.Flowers102._file_dict
    found = {
        key: (name, checksum("flowers-102", name)) for key, (name, _) in flowers.items()
    }
    patch(datasets.Flowers102, "_file_dict", found)
