"""Small generated image folders."""

from pathlib import Path

import numpy as np
from PIL import Image


def make_image_folder(
    path, n_per_class=4, classes=("a", "b"), size=32, seed=0, suffix=".png"
) -> Path:
    """Writes ``path/CLASS/NNN.png``: each class has its own mean colour.

    With ``classes=()`` the images lie in ``path`` itself.
    """
    rng = np.random.default_rng(seed)
    path = Path(path)
    for name in classes or ("",):
        folder = path / name
        folder.mkdir(parents=True, exist_ok=True)
        mean = rng.integers(40, 216, 3)
        for i in range(n_per_class):
            noise = rng.integers(-40, 40, (size, size, 3))
            pixels = np.clip(mean + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{i:03d}{suffix}")
    return path
