"""Data sets of pictures in the hosts' forms, and what may be wrong with them.

A fault changes the files in place; with the words that its error or warning must have.
"""

import json

import numpy as np
from PIL import Image

CLASSES = ("cell", "cup")
NUMBER, WIDTH, HEIGHT = 8, 64, 48


def picture(path, seed, size=(WIDTH, HEIGHT)):
    """Writes a picture of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3))
    Image.fromarray(pixels.astype(np.uint8)).save(path)


def _corners(number):
    """Left, top, right, bottom of an object, from 0, the far corner excluded."""
    left, top = 20 + 2 * number, 16 + number
    return left, top, left + 20, top + 12


def make_coco(folder):
    """Writes images/N.jpg and coco.json, an object with its polygon in each."""
    images, annotations = [], []
    for n in range(NUMBER):
        picture(folder / "images" / f"{n}.jpg", n)
        images.append(
            {"id": n + 1, "file_name": f"{n}.jpg", "width": WIDTH, "height": HEIGHT}
        )
        x1, y1, x2, y2 = _corners(n)
        annotations.append(
            {
                "id": n + 1,
                "image_id": n + 1,
                "category_id": n % 2 + 1,
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "area": (x2 - x1) * (y2 - y1),
                "iscrowd": 0,
                "segmentation": [[x1, y1, x2, y1, x2, y2, x1, y2]],
            }
        )
    categories = [{"id": n, "name": name} for n, name in enumerate(CLASSES, 1)]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "coco.json").write_text(json.dumps(content))
    return folder


def change_coco(folder, change):
    """Changes the content of the JSON."""
    file = folder / "coco.json"
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))


def each(section="annotations", some=slice(None), **values):
    """Returns a change of entries; a function makes a value of the entry."""

    def change(content):
        for entry in content[section][some]:
            made = {k: v(entry) if callable(v) else v for k, v in values.items()}
            entry.update(made)

    return change


_XML = (
    "<annotation><size><width>{}</width><height>{}</height></size><object><name>{}"
    "</name><difficult>0</difficult><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}"
    "</xmax><ymax>{}</ymax></bndbox></object></annotation>"
)


def make_voc(folder):
    """Writes a VOC folder, an object in each image."""
    for n in range(NUMBER):
        picture(folder / "JPEGImages" / f"{n}.jpg", n)
        x1, y1, x2, y2 = _corners(n)
        path = folder / "Annotations" / f"{n}.xml"
        path.parent.mkdir(exist_ok=True)
        name = CLASSES[n % 2]
        path.write_text(_XML.format(WIDTH, HEIGHT, name, x1 + 1, y1 + 1, x2, y2))
    (folder / "list.txt").write_text("".join(f"{n}\n" for n in range(NUMBER)))
    return folder


def change_voc(folder, *pairs, some=range(NUMBER)):
    """Replaces text in the XML of some images."""
    for n in some:
        path = folder / "Annotations" / f"{n}.xml"
        text = path.read_text()
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new)
        path.write_text(text)


def make_masks(folder, number=NUMBER):
    """Writes img/N.jpg and ann/N.png of two classes and void."""
    for n in range(number):
        picture(folder / "img" / f"{n:03}.jpg", n)
        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        mask[10:30, 10:30] = 1
        mask[:4] = 255
        write_mask(folder, n, mask)
    return folder


def write_mask(folder, number, pixels):
    """Writes a mask of an image."""
    path = folder / "ann" / f"{number:03}.png"
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path)


def change_masks(folder, change, some=range(NUMBER)):
    """Replaces masks by what a function makes of their pixels."""
    for n in some:
        with Image.open(folder / "ann" / f"{n:03}.png") as image:
            pixels = np.array(image)
        write_mask(folder, n, change(pixels))
