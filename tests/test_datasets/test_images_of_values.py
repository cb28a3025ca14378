"""A selection, a store or clusters stand for their images."""

from types import SimpleNamespace

import numpy as np
import pytest

from mmtaskssl.apis import MemoryStore, select
from mmtaskssl.datasets.images import list_images
from mmtaskssl.utils.errors import UserError


def test_images_of_values():
    ids = ["b.png", "a/c.png"]
    value = SimpleNamespace(root="/images", image_ids=ids)
    root, found = list_images(value)
    assert str(root) == "/images" and found == ids
    assert str(list_images(value, "/moved")[0]) == "/moved"
    with pytest.raises(UserError, match="not known where the images lie"):
        list_images(SimpleNamespace(root="", image_ids=ids))


def test_a_selection_stands_for_its_images():
    rng = np.random.default_rng(0)
    ids = [f"{i}.png" for i in range(20)]
    pool = MemoryStore(rng.normal(size=(20, 8)), ids, root="/pool")
    selected = select(pool, MemoryStore(pool.read([3, 7]), ["x", "y"]), 4)
    root, found = list_images(selected)
    assert str(root) == "/pool" and found == selected.image_ids and len(found) == 4
