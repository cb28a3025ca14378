"""Makes classification targets of what is at hand, that no setting was chosen on.

    fresh_targets.py --data DIR --out DIR

DIR is as for search_evidence.py. Written into OUT/classification:

objects Objects of detection/voc2007_small with 15 % of what surrounds them, 24 pixels a
        side at least, of the classes that have enough of them.
streets Windows of 48 pixels of segmentation/camvid that one class fills to 60 %, one a
        class and image, where the task's own training and other images are.
sources Images of the pool by the data set that they come from, which only a measurement
        may know. Networks have seen them, without that.

OUT gets links to the pool and to the other targets, so that ``--data OUT`` has all.
Nothing is drawn: the same DIR gives the same images.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from mmtaskssl.datasets.annotations.voc import read_voc_xml
from mmtaskssl.datasets.images import read_image
from mmtaskssl.utils.errors import run_tool
from mmtaskssl.utils.families import FileMissing, OutTaken
from mmtaskssl.utils.inputs import read_text
from mmtaskssl.utils.spaced import spaced

# Images of a class to learn from, and to be tried on: at least, and at most.
_COUNTS = {"objects": (12, 10, 40), "streets": (20, 20, 60), "sources": (20, 20, 60)}
_LEAST_SIDE, _MARGIN = 24, 0.15
_WINDOW, _STRIDE, _FILLED = 48, 16, 0.6
_STREET = ("sky", "building", "pole", "road", "pavement", "tree", "sign", "fence")
_STREET += ("car", "pedestrian", "bicyclist")

#: An image of a class: what it is cut from, and where, if not all of it.
Piece = tuple[Path, tuple[int, int, int, int] | None]


def objects(task: Path) -> Iterator[tuple[str, Piece]]:
    """Yields class and box of the objects of a folder in Pascal VOC's layout."""
    for path in sorted((task / "Annotations").glob("*.xml")):
        image = task / "JPEGImages" / f"{path.stem}.jpg"
        found, size = read_voc_xml(path)
        for thing in found:
            left, top, right, bottom = thing.corners
            sides = right - left + 1, bottom - top + 1
            if thing.difficult or min(sides) < _LEAST_SIDE or size is None:
                continue
            more = [_MARGIN * side for side in sides]
            yield (
                thing.name,
                (
                    image,
                    (
                        max(0, round(left - 1 - more[0])),
                        max(0, round(top - 1 - more[1])),
                        min(size[0], round(right + more[0])),
                        min(size[1], round(bottom + more[1])),
                    ),
                ),
            )


def streets(task: Path, parts: Sequence[str]) -> Iterator[tuple[str, Piece]]:
    """Yields class and window, the fullest one of each class of each image."""
    for part in parts:
        for path in sorted((task / "ann" / part).glob("*.png")):
            with Image.open(path) as image:
                labels = np.array(image)
            fullest: dict[int, tuple[int, int, int]] = {}
            for top in range(0, labels.shape[0] - _WINDOW + 1, _STRIDE):
                for left in range(0, labels.shape[1] - _WINDOW + 1, _STRIDE):
                    window = labels[top : top + _WINDOW, left : left + _WINDOW]
                    counts = np.bincount(window.ravel(), minlength=len(_STREET))
                    one = int(counts[: len(_STREET)].argmax())
                    if counts[one] >= _FILLED * window.size:
                        place = int(counts[one]), top, left
                        fullest[one] = max(fullest.get(one, (0, 0, 0)), place)
            (source,) = (task / "img" / part).glob(f"{path.stem}.*")
            for one, (_, top, left) in sorted(fullest.items()):
                box = left, top, left + _WINDOW, top + _WINDOW
                yield _STREET[one], (source, box)


def sources(pool: Path) -> Iterator[tuple[str, Piece]]:
    """Yields the source of each image of a pool, and the image."""
    for line in read_text(pool / "sources.csv").splitlines()[1:]:
        image, source = line.split(",")[:2]
        yield source, (pool / "images" / image, None)


def write(
    folder: Path,
    train: Iterable[tuple[str, Piece]],
    test: Iterable[tuple[str, Piece]] | None,
    counts: tuple[int, int, int],
) -> dict[str, tuple[int, int]]:
    """Writes a target's images, of the classes that have enough.

    Args:
        folder: Of the target.
        train: Classes and images to learn from.
        test: To be tried on; None: what is left of ``train``, by whole images.
        counts: Images of a class to learn from; to be tried on, at least and at most.

    Returns:
        Images to learn from and to be tried on, by class.
    """
    groups = {"train": _grouped(train), "test": _grouped(test or [])}
    learnt, least, most = counts
    written = {}
    for name in sorted(groups["train"]):
        pieces = {part: groups[part].get(name, []) for part in groups}
        if test is None:
            kept = spaced(pieces["train"], learnt)
            shown = {piece[0] for piece in kept}
            pieces["test"] = [p for p in pieces["train"] if p[0] not in shown]
            pieces["train"] = kept
        found = {
            "train": spaced(pieces["train"], learnt),
            "test": spaced(pieces["test"], most),
        }
        if len(found["train"]) < learnt or len(found["test"]) < least:
            continue
        written[name] = len(found["train"]), len(found["test"])
        for part, chosen in found.items():
            place = folder / part / name
            place.mkdir(parents=True)
            for number, (path, box) in enumerate(chosen):
                image = Image.fromarray(read_image(path)).crop(box)
                image.save(place / f"{number:03d}.png")
    return written


def _grouped(pieces: Iterable[tuple[str, Piece]]) -> dict[str, list[Piece]]:
    found = defaultdict(list)
    for name, piece in pieces:
        found[name].append(piece)
    return found


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    args = parser.parse_args(argv)
    camvid = args.data / "segmentation" / "camvid"
    voc, pool = args.data / "detection" / "voc2007_small", args.data / "pool"
    for folder in (camvid, voc, pool):
        if not folder.is_dir():
            raise FileMissing(f"{folder} does not exist: --data names another folder")
    place = args.out / "classification"
    if place.exists():
        raise OutTaken(f"{place} is there already: name another folder")
    others = streets(camvid, ["val", "test"])
    made = {
        "objects": (objects(voc), None),
        "streets": (streets(camvid, ["train"]), others),
        "sources": (sources(pool), None),
    }
    for name, parts in made.items():
        written = write(place / name, *parts, _COUNTS[name])
        told = ", ".join(f"{one} {a}+{b}" for one, (a, b) in written.items())
        print(f"{name}: {len(written)} classes ({told})")
    for folder in (args.data / "classification").iterdir():
        (place / folder.name).symlink_to(folder.resolve())
    for name in ("pool", "segmentation", "detection"):
        (args.out / name).symlink_to((args.data / name).resolve())


if __name__ == "__main__":
    run_tool(main)
