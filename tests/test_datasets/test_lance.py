"""Images in Lance data sets."""

import os
import sys

import numpy as np
import pytest
from torch.utils.data import DataLoader

from mmtaskssl.datasets import list_images, read_image
from mmtaskssl.utils import lances, members
from mmtaskssl.utils.families import (
    BadImageSource,
    FileMissing,
    PackageMissing,
)
from tests._images import make_image_folder


@pytest.fixture
def files(tmp_path):
    return sorted(make_image_folder(tmp_path / "pool", n_per_class=3).rglob("*.png"))


@pytest.fixture
def lance():
    return pytest.importorskip("lance")


def written(lance, place, images, kind="binary", **options):
    """Writes a data set of images beside a number each."""
    import pyarrow as pa

    values = [file.read_bytes() for file in images]
    if kind == "struct":
        image = pa.array([{"bytes": v, "path": "x"} for v in values])
    else:
        image = pa.array(values, pa.large_binary())
    field = pa.field("image", image.type)
    if kind == "blob":
        field = field.with_metadata({"lance-encoding:blob": "true"})
    schema = pa.schema([pa.field("n", pa.int64()), field])
    table = pa.table([pa.array(range(len(values))), image], schema=schema)
    lance.write_dataset(table, place, **options)
    return place


@pytest.mark.parametrize("kind", ["binary", "struct", "blob"])
def test_images_in_lance(tmp_path, lance, files, kind):
    pool = written(lance, tmp_path / "sets" / "pool.lance", files, kind)
    root, ids = list_images(pool)
    assert root == pool.parent and ids == [f"pool.lance#{n}" for n in range(6)]
    for name, file in zip(ids, files, strict=True):
        np.testing.assert_array_equal(read_image(root / name), read_image(file))
        assert members.find(root / name).read() == file.read_bytes()
    assert members.exists(root / ids[5])
    for absent in ("pool.lance#6", "pool.lance#x", "none.lance#0"):
        assert not members.exists(root / absent)
    # As one of a folder's, one of a list's, and by a pattern.
    assert list_images(pool.parent) == (root, ids)
    (tmp_path / "list.txt").write_text("sets/pool.lance\n")
    assert list_images(tmp_path / "list.txt")[1] == [f"sets/{name}" for name in ids]
    assert list_images(str(pool.parent / "*.lance"))[1] == ids


def test_workers_that_are_forked_read_what_was_read_before(tmp_path, lance, files):
    pool = written(lance, tmp_path / "pool.lance", files)
    data = _Images(pool)
    before = [data[number] for number in range(len(data))]
    loader = DataLoader(data, batch_size=None, num_workers=2)
    for found, known in zip(loader, before, strict=True):
        np.testing.assert_array_equal(found.numpy(), known)


class _Images:
    def __init__(self, pool):
        self.root, self.ids = list_images(pool)

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, number):
        return read_image(self.root / self.ids[number])


def test_a_new_version_is_seen(tmp_path, lance, files):
    pool = written(lance, tmp_path / "pool.lance", files[:2])
    assert len(list_images(pool)[1]) == 2
    before = members.tag_of(tmp_path / "pool.lance#0")
    written(lance, pool, files[2:], mode="append")
    assert len(list_images(pool)[1]) == 6
    np.testing.assert_array_equal(
        read_image(tmp_path / "pool.lance#5"), read_image(files[5])
    )
    assert members.tag_of(tmp_path / "pool.lance#0") != before


def test_what_holds_no_images(tmp_path, lance):
    import pyarrow as pa

    lance.write_dataset(pa.table({"n": [1, 2]}), tmp_path / "a.lance")
    with pytest.raises(BadImageSource, match="no column of images' bytes, only n"):
        list_images(tmp_path / "a.lance")


def test_what_is_no_lance(tmp_path):
    (tmp_path / "a.lance").mkdir()
    with pytest.raises(BadImageSource, match="no Lance data set"):
        list_images(tmp_path / "a.lance")
    (tmp_path / "b.lance").write_bytes(b"text")
    with pytest.raises(BadImageSource, match="no Lance data set"):
        list_images(tmp_path / "b.lance")
    with pytest.raises(FileMissing, match=r"c.lance does not exist"):
        list_images(tmp_path / "c.lance")


def test_the_package_that_is_not_installed_is_named(tmp_path, monkeypatch):
    os.makedirs(tmp_path / "a.lance" / lances.VERSIONS)
    lances._data_set.cache_clear()
    monkeypatch.setitem(sys.modules, "lance", None)
    with pytest.raises(PackageMissing, match=r"pip install 'mmtaskssl\[lance\]'"):
        list_images(tmp_path / "a.lance")


def test_lmdb_that_is_named_by_what_is_in_it(tmp_path):
    for folder in ("a.lmdb", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "data.mdb").write_bytes(b"x")
    with pytest.raises(BadImageSource, match=r"named by its folder.*name .*a\.lmdb"):
        list_images(tmp_path / "a.lmdb" / "data.mdb")
    for place in (tmp_path / "b", tmp_path / "b" / "data.mdb"):
        with pytest.raises(BadImageSource, match=r"call it b\.lmdb"):
            list_images(place)
