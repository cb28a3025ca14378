"""Copies within a pool do not fill a selection."""

import shutil

import numpy as np
import pytest

from mmtaskssl import apis
from mmtaskssl.features.memory import MemoryStore
from mmtaskssl.selection.copies import copies_in
from tests._images import make_image_folder


@pytest.fixture
def pool(tmp_path):
    """Twelve images, of which three are the first, and one looks like it alone."""
    root = make_image_folder(tmp_path / "pool", 12, classes=())
    names = sorted(path.name for path in root.iterdir())
    rows = np.random.default_rng(0).normal(size=(12, 6))
    for row in (3, 7):
        shutil.copy(root / names[0], root / names[row])
        rows[row] = rows[0]
    rows[9] = rows[0]  # the same feature, another file
    return MemoryStore(rows, names, root=str(root), name="pool")


def test_they_are_told_by_their_bytes(pool):
    skip = np.zeros(12, bool)
    assert copies_in(pool, pool.root, skip) == {3: 0, 7: 0}
    skip[0] = True
    assert copies_in(pool, pool.root, skip) == {7: 3}
    assert copies_in(pool, "", skip) == {}
    assert copies_in(pool, "/nowhere", skip) == {}


@pytest.mark.parametrize("policy", ["round_robin", "random"])
def test_a_selection_has_one_of_each(pool, policy, tmp_path):
    target = MemoryStore(pool.read([0, 5]), ["a", "b"], name="target")
    found = apis.select(pool, target, 10, policy=policy)
    ids = pool.image_ids
    assert sorted(found.image_ids) == [i for i in ids if i not in (ids[3], ids[7])]
    assert "2 pool images are copies, byte for byte" in " ".join(found.notes)
    folder = found.save(tmp_path / "out", report=False)
    read = apis.Selected.open(folder, pool, target)
    assert read.copies == [(ids[3], ids[0]), (ids[7], ids[0])] and not read.leaks
    np.testing.assert_array_equal(read.task.skip, found.task.skip)
    again = read.save(tmp_path / "again", report=False)
    for name in ("dropped.csv", "selection.txt"):
        assert (again / name).read_bytes() == (folder / name).read_bytes()
