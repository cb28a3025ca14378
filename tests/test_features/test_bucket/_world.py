"""Images, the store of them in a folder, and what is under an address, as bytes."""

import hashlib

import fsspec
import numpy as np

from mmtaskssl.datasets.images import list_images
from mmtaskssl.features.extract import extract_to_store
from tests._images import make_image_folder
from tests.test_features.test_extract import folder_bytes, make_runner

STORE = "memory://bucket/store"


def make_images(folder):
    make_image_folder(folder, n_per_class=8, classes=("a", "b"), size=20)
    (folder / "b" / "001.png").write_bytes(b"broken")
    return list_images(str(folder))


def extract(images, out, runner=None, **more):
    options = {"rows_per_shard": 4, "labels": [i[0] for i in images[1]], **more}
    return extract_to_store(runner or make_runner(), *images, out, **options)


def local_bytes(images, folder):
    extract(images, folder)
    return folder_bytes(folder)


def bytes_at(address):
    """Hashes of all files below an address of memory, by their path there."""
    system, path = fsspec.core.url_to_fs(address)
    system.invalidate_cache()
    return {
        name.removeprefix(path).lstrip("/"): hashlib.sha256(
            system.cat(name)
        ).hexdigest()
        for name in sorted(system.find(path))
    }


def same(a, b):
    np.testing.assert_array_equal(a.read(), b.read())
    assert a.image_ids == b.image_ids and a.quarantine == b.quarantine
    assert a.labels.tolist() == b.labels.tolist() and a.class_names == b.class_names
