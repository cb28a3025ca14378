"""A pool under an address, from its features to the images that are taken out of it."""

import re

import fsspec
import numpy as np
import pytest

from mmtaskssl import apis
from mmtaskssl.datasets.images import list_images
from mmtaskssl.features.extract import extract
from mmtaskssl.utils.remote import addresses, service
from tests._images import make_image_folder
from tests._served import served
from tests._shards import pack
from tests.test_features.test_extract import make_runner


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(service, "_WAITS", (0.0,))
    monkeypatch.setattr(addresses, "_opens", {})
    monkeypatch.delenv("MMTASKSSL_ADDRESSES", raising=False)


@pytest.fixture
def folder(tmp_path):
    return make_image_folder(tmp_path / "pool", n_per_class=4, size=24)


@pytest.fixture
def memory(folder):
    system = fsspec.filesystem("memory")
    system.put(str(folder), "/bucket", recursive=True)
    yield "memory://bucket"
    system.rm("/bucket", recursive=True)


def test_extract_select_show_take_and_deduplicate(tmp_path, folder, memory):
    runner = make_runner()
    pool = extract(runner, f"{memory}/", labels="folder", out=tmp_path / "store")
    here = extract(runner, folder)
    assert pool.image_ids == here.image_ids and pool.root == memory
    assert pool.class_names == ["a", "b"] and np.array_equal(pool.read(), here.read())
    selected = apis.select(pool, here, 3)
    out = selected.save(tmp_path / "selection")
    page = (out / "report.html").read_text()
    assert len(re.findall("data:image/jpeg", page)) >= 2 and "not reached" not in page
    taken = apis.take(out, tmp_path / "taken", form="folder")
    for source, image in zip(taken.sources, taken.image_ids, strict=True):
        content = (tmp_path / "taken" / image).read_bytes()
        assert content == (folder / source).read_bytes()
    found = apis.deduplicate(memory, by="bytes")
    assert [*found.kept] == [*apis.deduplicate(folder, by="bytes").kept]


def test_a_page_is_made_where_its_images_cannot_be_reached(tmp_path, folder):
    with served(folder) as server:
        root, ids = list_images(server.url)
        rows = np.eye(8, dtype=np.float32)
        pool = apis.import_features(rows, ids, root=root)
        target = apis.import_features(rows[:2], ids[:2], root=root)
        server.faults = 10_000
        asked = len(server.asked)
        out = apis.select(pool, target, 2).save(tmp_path / "selection")
    page = (out / "report.html").read_text()
    assert "not reached" in page and "data:image/jpeg" not in page
    assert len(server.asked) - asked <= 2 * (1 + len(service._WAITS))


def test_what_opens_an_address_is_written_nowhere(tmp_path, folder):
    pack(folder, tmp_path / "served")
    with served(tmp_path / "served") as server:
        server.query = "sig=SECRET"
        source = f"{server.url}/pool-{{000..001}}.tar?{server.query}"
        source = source.replace("://", "://USER:PASSWORD@")
        lines = []
        store = extract(make_runner(), source, out=tmp_path / "store", log=lines.append)
        assert len(store) == 8 and store.root == server.url
        out = apis.select(store, store, 2).save(tmp_path / "selection")
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    texts = [path.read_bytes() for path in written] + ["".join(lines).encode()]
    assert not any(word in text for text in texts for word in (b"SECRET", b"PASSWORD"))
    assert out.is_dir()
