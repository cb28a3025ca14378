"""Images of one kind that are nearly the same are no copies."""

import numpy as np
from PIL import Image

from mmtaskssl.customize.inspection.inspect import inspect
from tests.test_selection._pictures import picture


def _alike(seed):
    """Returns one of many pictures that differ by little: one and the same ground."""
    return (0.93 * picture(0, side=48) + 0.07 * picture(seed, side=48)).astype(np.uint8)


def test_images_of_one_kind_are_not_copies(tmp_path):
    """As scans of digits, whose classes would lose a third of their images."""
    seed = 1
    for part, count in (("train", 12), ("test", 30)):
        for name in "ab":
            folder = tmp_path / "target" / part / name
            folder.mkdir(parents=True)
            for number in range(count):
                seed += 1
                Image.fromarray(_alike(seed)).save(folder / f"{number}.png")
    pool = tmp_path / "pool"
    pool.mkdir()
    for number in range(80):
        Image.fromarray(_alike(1000 + number)).save(pool / f"{number:03d}.png")
    # But one is a copy, in another format.
    copied = Image.open(tmp_path / "target" / "test" / "a" / "3.png")
    copied.save(pool / "copy.jpg", quality=90)
    found = inspect(str(pool), str(tmp_path / "target"))
    assert len(found.train) == 24
    assert set(found.kept_out) == {"copy.jpg"}
    assert "a/3.png" in found.kept_out["copy.jpg"]
