"""A pool and a target that tests read, and do not change."""

import pytest

from mmtaskssl.customize.inspection import copies

from ._targets import class_folders


@pytest.fixture(scope="package")
def pool(tmp_path_factory):
    """66 pictures, two more than the least."""
    return class_folders(tmp_path_factory.mktemp("data") / "pool", {"x": 66}, 1000)


@pytest.fixture(scope="package")
def target(tmp_path_factory):
    """Two classes, five training and five test images of each."""
    folder = tmp_path_factory.mktemp("data") / "target"
    class_folders(folder / "train", {"a": 5, "b": 5}, 0)
    class_folders(folder / "test", {"a": 5, "b": 5}, 50)
    return folder


@pytest.fixture(autouse=True)
def few_copies(monkeypatch):
    """Known copies are made of two test images: they are what takes time."""
    monkeypatch.setattr(copies, "_COPIED", 2)
