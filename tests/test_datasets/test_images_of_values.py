"""A selection, a store or clusters stand for their images."""

from types import SimpleNamespace

import pytest

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
