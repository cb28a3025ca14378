"""A pool of several domains and a few-shot target, from images that packages ship.

scikit-learn brings 1,797 scanned handwritten digits (UCI, 8x8) and two photographs,
scikit-image a few dozen pictures. Digits without labels, and random crops of the
photographs, textures, scientific pictures and pages, make the pool; other digits, ten
labelled a class, make the target.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from ..utils.atomic import atomic_folder
from ..utils.families import PackageMissing

SIDE = 40
CROPS = 900  # of each domain, and as many digits
SHOTS = 10
DOMAINS = {
    "photo": ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg"),
    "texture": ("brick.png", "grass.png", "gravel.png"),
    "science": ("hubble_deep_field.jpg", "ihc.png", "moon.png", "retina.jpg"),
    "page": ("page.png", "text.png"),
}


def write_builtin(
    out: Path, seed: int = 0, crops: int = CROPS, tests: int | None = None
) -> tuple[Path, Path]:
    """Writes ``out/pool/*.png`` and ``out/target/{train,test}/CLASS/*.png``.

    The pool's names say nothing of their domain: nothing but the pixels can be used.

    Args:
        out: Written whole or not at all; left alone if it exists.
        seed: Of the crops, the order and the split.
        crops: Of each domain, and as many digits; up to ``CROPS``.
        tests: Test images of each class; None: all digits that are left.

    Returns:
        The pool's folder and the target's.

    Raises:
        UserError: scikit-learn or scikit-image is not installed.
    """
    if not out.is_dir():
        rng = np.random.default_rng(seed)
        digits, labels = _digits(rng)
        pool = [*digits[:crops], *_crops(rng, crops)]
        with atomic_folder(out, durable=False) as folder:
            (folder / "pool").mkdir()
            for name, index in enumerate(rng.permutation(len(pool))):
                pool[index].save(folder / "pool" / f"{name:05d}.png")
            _write_target(folder / "target", digits[CROPS:], labels[CROPS:], tests)
    return out / "pool", out / "target"


def _digits(rng: np.random.Generator) -> tuple[list[Image.Image], np.ndarray]:
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise PackageMissing(
            "the built-in images need scikit-learn: pip install scikit-learn"
        ) from error
    data = load_digits()
    order = rng.permutation(len(data.images))
    images = [
        Image.fromarray((255 - 255 / 16 * data.images[i]).astype(np.uint8))
        .resize((SIDE, SIDE), Image.BICUBIC)
        .convert("RGB")
        for i in order
    ]
    return images, data.target[order]


def _crops(rng: np.random.Generator, crops: int) -> Iterator[Image.Image]:
    try:
        import skimage
        from sklearn.datasets import load_sample_images
    except ImportError as error:
        raise PackageMissing(
            "the built-in images need scikit-image: pip install scikit-image"
        ) from error
    folder = Path(skimage.__file__).parent / "data"
    for domain, names in DOMAINS.items():
        pictures = [Image.open(folder / name).convert("RGB") for name in names]
        if domain == "photo":
            pictures += [
                Image.fromarray(image) for image in load_sample_images().images
            ]
        for index in range(crops):
            picture = pictures[index % len(pictures)]
            side = int(rng.integers(SIDE, min(*picture.size, 4 * SIDE) + 1))
            left = int(rng.integers(0, picture.width - side + 1))
            top = int(rng.integers(0, picture.height - side + 1))
            box = (left, top, left + side, top + side)
            yield picture.resize((SIDE, SIDE), Image.BICUBIC, box=box)


def _write_target(
    folder: Path, images: list[Image.Image], labels: np.ndarray, tests: int | None
) -> None:
    seen = dict.fromkeys(range(10), 0)
    for image, label in zip(images, labels.tolist(), strict=True):
        if tests is not None and seen[label] == SHOTS + tests:
            continue
        split = "train" if seen[label] < SHOTS else "test"
        place = folder / split / str(label)
        place.mkdir(parents=True, exist_ok=True)
        image.save(place / f"{seen[label]:03d}.png")
        seen[label] += 1
