"""Generated pools and targets, whose images are told apart by their colour."""

import numpy as np
from PIL import Image

from mmtaskssl.customize.inspection.inspected import Inspected, Split

CONFIG = "configs/distill/distill_resnet18-w8_1xb16-coslr-12i_debug-32px.py"
COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (40, 60, 220)}


def image(path, colour, rng):
    pixels = rng.integers(0, 60, (16, 16, 3)) + np.array(COLOURS[colour]) * 3 // 4
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(path)


def make(root, pool=48, each=6, classes=("red", "green"), several=False):
    """Writes images; returns what an inspection would say of them."""
    rng = np.random.default_rng(0)
    kinds = [*COLOURS]
    for number in range(pool):
        image(root / "pool" / f"{number:03}.png", kinds[number % 3], rng)
    ids, labels = [], []
    for colour in classes:
        for number in range(each):
            ids.append(f"{colour}/{number}.png")
            image(root / "train" / ids[-1], colour, rng)
            labels.append((colour, "any") if several else (colour,))
    names = sorted({name for one in labels for name in one})
    train = Split(str(root / "train"), ids, labels)
    # Nothing is there: who reads the test part fails.
    test = Split(str(root / "test"), ["red/0.png"], [("red",)])
    pool_ids = [f"{number:03}.png" for number in range(pool)]
    kind = "multilabel" if several else "classification"
    return Inspected(
        *(kind, names, train, test, str(root / "pool"), pool_ids, {}, 16, [], {})
    )
