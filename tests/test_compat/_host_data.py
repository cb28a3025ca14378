"""Generated images with one rectangle each, annotated in three host formats."""

import json

import numpy as np
from PIL import Image

CLASSES = ("red", "green")
SIZE = 64


def _draw(index, rng):
    """An image, its class and its box (x1, y1, x2, y2), far corner excluded."""
    label = index % len(CLASSES)
    x, y = rng.integers(2, 20, 2).tolist()
    width, height = rng.integers(24, 40, 2).tolist()
    pixels = rng.integers(90, 120, (SIZE, SIZE, 3)).astype(np.uint8)
    pixels[y : y + height, x : x + width] = 0
    pixels[y : y + height, x : x + width, label] = 255
    return pixels, label, (x, y, x + width, y + height)


def make_voc(root, number=2):
    """Writes root/VOC2007/{JPEGImages,Annotations} and root/VOC2007/list.txt."""
    rng = np.random.default_rng(0)
    voc = root / "VOC2007"
    for folder in ("JPEGImages", "Annotations"):
        (voc / folder).mkdir(parents=True)
    for i in range(number):
        pixels, label, (x1, y1, x2, y2) = _draw(i, rng)
        Image.fromarray(pixels).save(voc / "JPEGImages" / f"{i}.jpg")
        (voc / "Annotations" / f"{i}.xml").write_text(
            f"<annotation><size><width>{SIZE}</width><height>{SIZE}</height></size>"
            f"<object><name>{CLASSES[label]}</name><difficult>0</difficult><bndbox>"
            f"<xmin>{x1 + 1}</xmin><ymin>{y1 + 1}</ymin>"
            f"<xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object></annotation>"
        )
    (voc / "list.txt").write_text("".join(f"{i}\n" for i in range(number)))


def make_coco(root, number=2):
    """Writes root/images and root/instances.json with boxes and polygons."""
    rng = np.random.default_rng(0)
    (root / "images").mkdir(parents=True)
    images, annotations = [], []
    for i in range(number):
        pixels, label, (x1, y1, x2, y2) = _draw(i, rng)
        name = f"{i}.jpg"
        Image.fromarray(pixels).save(root / "images" / name)
        images.append({"id": i, "file_name": name, "width": SIZE, "height": SIZE})
        annotations.append(
            {
                "id": i + 1,
                "image_id": i,
                "category_id": label,
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "area": (x2 - x1) * (y2 - y1),
                "iscrowd": 0,
                "segmentation": [[x1, y1, x2, y1, x2, y2, x1, y2]],
            }
        )
    categories = [{"id": i, "name": name} for i, name in enumerate(CLASSES)]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (root / "instances.json").write_text(json.dumps(content))


def make_segmentation(root, number=2):
    """Writes root/img/N.png and root/ann/N.png: 0 background, else class + 1."""
    rng = np.random.default_rng(0)
    for folder in ("img", "ann"):
        (root / folder).mkdir(parents=True)
    for i in range(number):
        pixels, label, (x1, y1, x2, y2) = _draw(i, rng)
        index = np.zeros((SIZE, SIZE), dtype=np.uint8)
        index[y1:y2, x1:x2] = label + 1
        Image.fromarray(pixels).save(root / "img" / f"{i}.png")
        Image.fromarray(index).save(root / "ann" / f"{i}.png")
