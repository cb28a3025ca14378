from collections import Counter

import numpy as np
import pytest
from PIL import Image

from mmtaskssl.quickstart import builtin

pytest.importorskip("sklearn")
pytest.importorskip("skimage")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    out = tmp_path_factory.mktemp("builtin") / "images"
    return builtin.write_builtin(out, crops=20)


def test_the_pool_mixes_all_domains(folders):
    pool, _ = folders
    images = sorted(pool.iterdir())
    assert len(images) == 20 * (1 + len(builtin.DOMAINS))
    with Image.open(images[0]) as image:
        assert (image.size, image.mode) == ((builtin.SIDE, builtin.SIDE), "RGB")


def test_the_target_is_few_shot_and_apart_from_the_pool(folders):
    pool, target = folders
    count = Counter(p.parent.name for p in (target / "train").glob("*/*"))
    assert count == {str(digit): builtin.SHOTS for digit in range(10)}
    splits = [pool.glob("*"), target.glob("train/*/*"), target.glob("test/*/*")]
    pixels = [{np.asarray(Image.open(p)).tobytes() for p in split} for split in splits]
    # Two scans in 1,797 may be equal; a leak would be many.
    assert all(len(a & b) <= 2 for a, b in [pixels[:2], pixels[1:], pixels[::2]])


def test_fewer_test_images_are_the_first_of_each_class(folders, tmp_path):
    _, target = builtin.write_builtin(tmp_path / "images", crops=1, tests=3)
    assert len([*target.glob("train/*/*")]) == 10 * builtin.SHOTS
    few = {p.relative_to(target): p.read_bytes() for p in target.glob("test/*/*")}
    assert len(few) == 30
    assert all((folders[1] / name).read_bytes() == data for name, data in few.items())


def test_what_is_there_is_left_alone(folders):
    pool, target = folders
    before = {p: p.stat().st_mtime_ns for p in pool.iterdir()}
    assert builtin.write_builtin(pool.parent) == (pool, target)
    assert before == {p: p.stat().st_mtime_ns for p in pool.iterdir()}
