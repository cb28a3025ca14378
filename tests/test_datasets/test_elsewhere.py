"""Images under addresses, as any verb is given them."""

import gzip
import json
import multiprocessing
import os
import shutil
import socket
import subprocess
import sys

import fsspec
import numpy as np
import pytest
from torch.utils.data import DataLoader

from mmtaskssl.datasets import LabeledImages, UnlabeledImages, list_images, read_image
from mmtaskssl.utils import tars
from mmtaskssl.utils.atomic import write_json
from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.families import (
    BadImageSource,
    FileMissing,
    NoImages,
    Unreachable,
)
from mmtaskssl.utils.remote import access, addresses, files, service
from tests._images import make_image_folder
from tests._served import served
from tests._shards import pack


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(service, "_WAITS", (0.0, 0.0))
    monkeypatch.setattr(addresses, "_opens", {})
    monkeypatch.delenv("MMTASKSSL_ADDRESSES", raising=False)
    files._known.clear()
    tars._index.cache_clear()


@pytest.fixture
def folder(tmp_path):
    return make_image_folder(tmp_path / "pool" / "images", n_per_class=3)


@pytest.fixture
def pool(tmp_path, folder):
    """Images, tars and lists of them, in one folder."""
    pool = folder.parent
    (pool / "tars").mkdir()
    pack(folder, pool / "tars")
    ids = [path.relative_to(pool).as_posix() for path in sorted(folder.rglob("*.png"))]
    (pool / "list.txt").write_text("".join(f"{name}\n" for name in ids))
    (pool / "list.csv").write_text("path,n\n" + "".join(f"{name},1\n" for name in ids))
    return pool


@pytest.fixture
def memory(pool):
    system = fsspec.filesystem("memory")
    system.put(str(pool), "/bucket", recursive=True)
    yield "memory://bucket"
    system.rm("/bucket", recursive=True)


@pytest.fixture
def web(pool):
    with served(pool) as server:
        yield server


_IDS = [f"{c}/{n:03d}.png" for c in "ab" for n in range(3)]
_MEMBERS = [f"pool-00{'ab'.index(i[0])}.tar#{i}" for i in _IDS]


@pytest.mark.parametrize("where", ["memory", "web"])
@pytest.mark.parametrize(
    ("source", "root", "ids"),
    [
        ("images", "images", _IDS),
        ("images/", "images", _IDS),
        ("list.txt", "", [f"images/{i}" for i in _IDS]),
        ("list.csv", "", [f"images/{i}" for i in _IDS]),
        ("tars", "tars", _MEMBERS),
        ("tars/pool-{000..001}.tar", "tars", _MEMBERS),
        ("tars/pool-*.tar", "tars", _MEMBERS),
        ("tars/pool-001.tar", "tars", _MEMBERS[3:]),
    ],
)
def test_every_source_lies_under_an_address_too(
    request, folder, where, source, root, ids
):
    place = request.getfixturevalue(where)
    place = getattr(place, "url", place)
    base, found = list_images(f"{place}/{source}")
    assert addresses.named(base) == f"{place}/{root}".rstrip("/")
    assert found == ids
    for image in found:
        inner = image.partition("#")[2] or image.removeprefix("images/")
        assert np.array_equal(read_image(base / image), read_image(folder / inner))


def test_a_file_address_is_a_path(folder):
    assert list_images(f"file://{folder}") == list_images(folder)
    listed = [f"file://{folder}/{image}" for image in _IDS]
    assert list_images(listed)[1] == _IDS


def test_addresses_in_a_list_that_lies_here(tmp_path, memory):
    listed = tmp_path / "list.txt"
    listed.write_text(f"{memory}/images/a/000.png\n{memory}/tars/pool-001.tar\n")
    base, ids = list_images(listed)
    assert addresses.named(base) == memory
    assert ids == ["images/a/000.png", *(f"tars/{m}" for m in _MEMBERS[3:])]
    listed.write_text(f"{memory}/images/a/000.png\ns3://other/1.png\n")
    with pytest.raises(UserError, match="several places"):
        list_images(listed)


def test_images_in_parquet_elsewhere(pool, folder, memory):
    import pyarrow as pa
    from pyarrow import parquet

    contents = [path.read_bytes() for path in sorted(folder.rglob("*.png"))]
    parquet.write_table(
        pa.table({"image": pa.array(contents, pa.binary())}),
        pool / "p.parquet",
        row_group_size=2,
    )
    fsspec.filesystem("memory").put(str(pool / "p.parquet"), "/bucket/p.parquet")
    base, ids = list_images(f"{memory}/p.parquet")
    assert ids == [f"p.parquet#{row}" for row in range(6)]
    for image, name in zip(ids, _IDS, strict=True):
        assert np.array_equal(read_image(base / image), read_image(folder / name))


@pytest.mark.parametrize("source", ["images", "tars"])
def test_worker_processes_read_the_same_images(web, folder, source):
    here = UnlabeledImages(str(folder))
    there = UnlabeledImages(f"{web.url}/{source}")
    there[0]  # connects in this process before it forks
    loader = DataLoader(
        there,
        batch_size=None,
        num_workers=2,
        multiprocessing_context=multiprocessing.get_context("fork"),
    )
    for mine, other in zip(here, loader, strict=True):
        assert mine["inputs"].equal(other["inputs"])


def test_labelled_folders(memory):
    images = LabeledImages(f"{memory}/images")
    assert images.class_names == ["a", "b"] and images.labels == [0, 0, 0, 1, 1, 1]


def test_a_read_that_fails_is_tried_again_and_then_told(web):
    web.faults = 2
    base, ids = list_images(f"{web.url}/tars/pool-000.tar")
    base, ids = list_images(f"{web.url}/images")
    web.faults = 2
    assert read_image(base / ids[0]).shape == (32, 32, 3)
    web.faults = 50
    with pytest.raises(UserError, match=r"http://127.*a/000.png could not be fetched"):
        read_image(base / ids[0])


def test_a_server_that_is_gone_is_not_an_empty_pool(pool):
    with served(pool) as server:
        url = server.url
    with pytest.raises(UserError, match=r"pool-000.tar could not be fetched"):
        list_images(f"{url}/tars/pool-000.tar")


def test_what_is_not_there_or_no_image_is_broken_and_told(web, pool):
    images = UnlabeledImages(f"{web.url}/images", max_broken=0.5)
    (pool / "images" / "a" / "001.png").unlink()
    (pool / "images" / "b" / "000.png").write_bytes(b"no image")
    assert [images[i]["sample_idx"] for i in range(6)] == [*range(6)]
    assert images.broken_images == ["a/001.png", "b/000.png"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("absent", "absent does not exist"),
        ("absent.tar", "absent.tar does not exist"),
        ("tars/pool-{000..002}.tar", "pool-002.tar, which .* names, does not exist"),
        ("tars/other-*.tar", "no file fits"),
        ("text.md", "is neither a folder nor a .tar"),
    ],
)
def test_sources_that_are_refused(memory, source, message):
    fsspec.filesystem("memory").pipe("/bucket/text.md", b"text")
    with pytest.raises(UserError, match=message):
        list_images(f"{memory}/{source}")


def test_packages_and_services_that_are_not_there(monkeypatch):
    with pytest.raises(UserError, match="no service that fsspec knows"):
        list_images("nowhere://bucket/pool")
    with pytest.raises(UserError, match=r"needs a package .*gcs"):
        list_images("gs://bucket/pool")
    monkeypatch.setitem(__import__("sys").modules, "fsspec.core", None)
    service._made.cache_clear()
    with pytest.raises(UserError, match=r"needs fsspec: pip install .*remote"):
        list_images("memory://bucket/pool")


def test_a_signature_opens_images_and_is_in_no_id(tmp_path, web):
    web.query = "sig=SECRET&for=1"
    with pytest.raises(UserError, match="could not be fetched") as caught:
        list_images(f"{web.url}/tars/pool-000.tar?sig=OTHER")
    assert "OTHER" not in str(caught.value)
    signed = f"{web.url}/tars/pool-{{000..001}}.tar?{web.query}"
    base, ids = list_images(signed)
    assert ids == _MEMBERS and "SECRET" not in str(base)
    assert read_image(base / ids[5]).shape == (32, 32, 3)
    listed = tmp_path / "list.txt"
    listed.write_text("".join(f"{web.url}/images/{i}?{web.query}\n" for i in _IDS))
    base, ids = list_images(listed)
    assert ids == _IDS and read_image(base / ids[0]).shape == (32, 32, 3)
    listed.write_text(f"{web.url}/images/a.png?n=1\n{web.url}/images/a.png?n=2\n")
    with pytest.raises(UserError, match="differ only in a query"):
        list_images(listed)


def test_processes_that_are_started_know_the_signature(web):
    web.query = "sig=SECRET"
    base, ids = list_images(f"{web.url}/tars/pool-000.tar?{web.query}")
    code = "import sys; from mmtaskssl.utils import members as m; m.find(sys.argv[1])"
    process = [sys.executable, "-c", f"{code}.read()", str(base / ids[0])]
    assert not subprocess.run(process).returncode
    os.unlink(os.environ["MMTASKSSL_ADDRESSES"])
    shutil.rmtree(os.environ["XDG_CACHE_HOME"])
    assert subprocess.run(process, stderr=subprocess.DEVNULL).returncode


def test_a_tar_that_changes_elsewhere_is_fetched_again(web, pool, folder, monkeypatch):
    base, ids = list_images(f"{web.url}/tars")
    old = read_image(base / ids[0])
    shutil.copy(folder / _IDS[4], folder / _IDS[0])
    pack(folder, pool / "tars")
    monkeypatch.setattr(files, "_FRESH", 0.0)
    files._known.clear()
    new = read_image(base / ids[0])
    assert np.array_equal(new, read_image(folder / _IDS[4]))
    assert not np.array_equal(old, new)


def test_a_shard_that_is_read_often_is_fetched_whole_and_once(web, monkeypatch):
    monkeypatch.setenv("MMTASKSSL_CACHE_GB", "0")
    base, ids = list_images(f"{web.url}/tars")
    web.asked.clear()
    for image in ids:
        read_image(base / image)
    gets = [range_ for method, _, range_ in web.asked if method == "GET"]
    assert len(gets) == len(ids) and all(gets)  # each by itself, without a cache
    monkeypatch.delenv("MMTASKSSL_CACHE_GB")
    access._reads.cache_clear()
    for _ in range(4):
        for image in ids:
            read_image(base / image)
    web.asked.clear()
    for image in ids:
        read_image(base / image)
    assert not web.asked


def test_a_folder_that_cannot_be_listed_is_no_empty_one(tmp_path, monkeypatch):
    monkeypatch.setattr(service, "_WAITS", ())
    with socket.socket() as free:  # a port that nobody listens at
        free.bind(("127.0.0.1", 0))
        with pytest.raises(Unreachable, match="could not be fetched"):
            list_images(f"http://127.0.0.1:{free.getsockname()[1]}/pool/")
    (tmp_path / "empty").mkdir()
    with served(tmp_path) as server:
        with pytest.raises(FileMissing, match="does not exist"):
            list_images(f"{server.url}/nowhere/")
        with pytest.raises(NoImages):
            list_images(f"{server.url}/empty/")


def test_a_signed_folder_is_refused_and_not_taken_for_empty(web):
    web.query = "sig=secret"
    with pytest.raises(BadImageSource, match="signed address of a folder") as refused:
        list_images(f"{web.url}/images?sig=secret")
    assert "secret" not in str(refused.value)


def test_a_pattern_that_cannot_be_listed_is_named_with_the_reason(web):
    pattern = f"{web.url}/tars/pool-*.tar"
    web.query = "sig=secret"
    with pytest.raises(Unreachable, match=r"pool-\*\.tar could not be .*403"):
        list_images(pattern)
    with pytest.raises(BadImageSource, match="signed pattern") as refused:
        list_images(f"{pattern}?sig=secret")
    assert "secret" not in str(refused.value)
    web.query = ""
    with pytest.raises(FileMissing, match="no file fits"):
        list_images(f"{web.url}/nowhere/pool-*.tar")


def test_a_pattern_in_a_bucket_that_refuses_is_no_empty_one(memory, monkeypatch):
    system = type(fsspec.filesystem("memory"))

    def refused(*_, **__):
        raise PermissionError(13, "Access Denied")

    with monkeypatch.context() as patched:
        patched.setattr(system, "ls", refused)
        patched.setattr(system, "glob", lambda *_: [])  # as of what it may not list
        with pytest.raises(Unreachable, match=r"pool-\*\.tar could not be .*Denied"):
            list_images(f"{memory}/tars/pool-*.tar")


def test_a_container_stays_in_what_is_written(tmp_path):
    source = "abfs://box@account.dfs.core.windows.net/pool"
    assert addresses.learned([f"{source}/a.png"]) == [f"{source}/a.png"]
    assert addresses.named(addresses.Path(source)) == source
    write_json(tmp_path / "x.json", {"root": source})
    assert json.loads((tmp_path / "x.json").read_text()) == {"root": source}


def test_no_cache_for_a_packed_tar_is_told(pool, monkeypatch):
    content = (pool / "tars" / "pool-000.tar").read_bytes()
    (pool / "pool.tar.gz").write_bytes(gzip.compress(content))
    monkeypatch.setenv("MMTASKSSL_CACHE_GB", "0.000001")
    with pytest.raises(BadImageSource, match="no room to unpack it in the cache"):
        list_images(pool / "pool.tar.gz")
