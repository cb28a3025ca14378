"""Tiny targets of every kind, as they would have been inspected."""

import json

import numpy as np
from PIL import Image

from mmtaskssl.customize.inspection.inspected import Inspected, Split

CLASSES = ("blue", "red")
SIZE = 48


def make_target(root, kind, count=6):
    """Writes images with a blue or a red square, and what is known of them."""
    parts = {name: _part(root / name, kind, count) for name in ("train", "test")}
    facts = {"void": 255, "first_index": 0} if kind == "segmentation" else {}
    names = ("ground", *CLASSES) if kind == "segmentation" else CLASSES
    return Inspected(
        *(kind, names, parts["train"], parts["test"], str(root / "pool"), ["a.jpg"]),
        *({}, SIZE, (), facts),
    )


def _part(root, kind, count):
    generator = np.random.default_rng(0)
    images, labels, boxes, masks = [], [], [], []
    (root / "img").mkdir(parents=True)
    (root / "ann").mkdir()
    for number in range(count):
        colour = number % 2
        pixels = generator.integers(0, 60, (SIZE, SIZE, 3), dtype=np.uint8)
        x, y = (int(v) for v in generator.integers(2, 16, 2))
        pixels[y : y + 24, x : x + 24, 2 - 2 * colour] = 250
        images.append(f"{number}.png")
        Image.fromarray(pixels).save(root / "img" / images[-1])
        several = kind == "multilabel" and number % 3 == 0
        labels.append(CLASSES if several else (CLASSES[colour],))
        boxes.append([x, y, 24, 24])
        mask = np.zeros((SIZE, SIZE), np.uint8)
        mask[y : y + 24, x : x + 24] = 1 + colour
        masks.append(f"{number}_mask.png")
        Image.fromarray(mask).save(root / "ann" / masks[-1])
    found = {}
    if kind == "detection":
        found["annotations"] = _coco(root / "boxes.json", images, labels, boxes)
    elif kind == "segmentation":
        found = {"annotations": str(root / "ann"), "masks": masks}
    return Split(str(root / "img"), images, labels, **found)


def _coco(path, images, labels, boxes):
    content = {
        "images": [
            {"id": i, "file_name": name, "width": SIZE, "height": SIZE}
            for i, name in enumerate(images)
        ],
        "annotations": [
            {
                **{"id": i + 1, "image_id": i, "bbox": box, "area": 576, "iscrowd": 0},
                "category_id": CLASSES.index(names[0]) + 1,
            }
            for i, (names, box) in enumerate(zip(labels, boxes, strict=True))
        ],
        "categories": [{"id": i + 1, "name": n} for i, n in enumerate(CLASSES)],
    }
    path.write_text(json.dumps(content))
    return str(path)
