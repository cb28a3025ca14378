import fsspec
import pytest

from mmtaskssl.utils.remote import addresses, files, service
from tests.test_features.test_bucket import _world


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(service, "_WAITS", (0.0, 0.0))
    monkeypatch.setattr(addresses, "_opens", {})
    monkeypatch.delenv("MMTASKSSL_ADDRESSES", raising=False)
    files._known.clear()
    yield
    system = fsspec.filesystem("memory")
    if system.exists("/bucket"):
        system.rm("/bucket", recursive=True)


@pytest.fixture
def images(tmp_path):
    return _world.make_images(tmp_path / "images")


@pytest.fixture
def whole(images, tmp_path):
    """The bytes of the store of these images in a folder, ``whole``."""
    return _world.local_bytes(images, tmp_path / "whole")
