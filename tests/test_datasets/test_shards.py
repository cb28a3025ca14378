"""Images in tars, as any verb is given them."""

import sys

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet
from torch.utils.data import DataLoader

from mmtaskssl.datasets import UnlabeledImages, list_images, read_image
from mmtaskssl.utils import kept, lmdbs, members
from mmtaskssl.utils import parquet as parquet_module
from mmtaskssl.utils.errors import UserError
from tests._images import make_image_folder
from tests._shards import pack


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return make_image_folder(tmp_path / "images", n_per_class=3)


@pytest.fixture
def shards(tmp_path, folder):
    return pack(folder, tmp_path / "tars")


_IDS = [
    *(f"pool-000.tar#a/{n:03d}.png" for n in range(3)),
    *(f"pool-001.tar#b/{n:03d}.png" for n in range(3)),
]


@pytest.mark.parametrize(
    "source", ["", "pool-{000..001}.tar", "pool-*.tar", "both.txt", "both.csv"]
)
def test_every_source_of_tars_lists_the_images_in_them(tmp_path, shards, source):
    tars = tmp_path / "tars"
    if source.endswith((".txt", ".csv")):
        head = "image\n" if source.endswith(".csv") else ""
        (tars / source).write_text(head + "pool-000.tar\npool-001.tar\n")
    root, ids = list_images(f"{tars}/{source}")
    assert (root, ids) == (tars, _IDS)
    for image in ids:
        whole = root.parent / "images" / image.partition("#")[2]
        assert np.array_equal(read_image(root / image), read_image(whole))


def test_one_tar_paths_and_members_in_lists(tmp_path, shards):
    assert list_images(shards[1]) == (tmp_path / "tars", _IDS[3:])
    assert list_images([str(shards[1])])[1] == _IDS[3:]
    listed = tmp_path / "some.txt"
    listed.write_text(f"tars/{_IDS[4]}\nimages/a/000.png\n")
    assert list_images(listed) == (tmp_path, [f"tars/{_IDS[4]}", "images/a/000.png"])
    root, ids = list_images(shards[0], root=tmp_path)
    assert (root, ids[0]) == (tmp_path, f"tars/{_IDS[0]}")


def test_a_relative_tar(tmp_path, shards, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root, ids = list_images("tars/pool-{0..0}00.tar")
    assert ids == _IDS[:3] and (root / "pool-000.tar").is_file()


def test_hidden_members_and_other_files_are_no_images(tmp_path, folder):
    (folder / "a" / "._000.png").write_bytes(b"of another system")
    (folder / "a" / "notes.pdf").write_bytes(b"no image")
    (one,) = pack(folder, tmp_path / "tars", 1)
    assert len(list_images(one)[1]) == 6


def test_tars_beside_images_are_not_looked_into(folder, shards):
    shards[0].rename(folder / "pool.tar")
    assert len(list_images(folder)[1]) == 6


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("absent.tar", "absent.tar does not exist"),
        ("pool-{000..002}.tar", r"pool-002.tar, which .*names, does not exist"),
        ("pool-{001..000}.tar", "counts downwards"),
        ("other-*.tar", "no file fits"),
        ("text.tar", "cannot be used: it is no whole tar"),
        ("empty.tar", "empty.tar holds no images"),
        ("packed.tar", "compressed"),
        ("pool-000.tar.gz", "cannot be used: it is compressed, and damaged"),
        ("packed.tgz", "not by gzip"),
    ],
)
def test_sources_that_are_refused(tmp_path, shards, source, message):
    tars = tmp_path / "tars"
    (tars / "text.tar").write_bytes(b"text" * 200)
    (tars / "packed.tar").write_bytes(b"\x1f\x8b" + bytes(600))
    (tars / "pool-000.tar.gz").write_bytes(b"\x1f\x8b")
    (tars / "packed.tgz").write_bytes(b"BZh" + bytes(600))
    pack(make_image_folder(tmp_path / "none", 0), tars / "e", 1)[0].rename(
        tars / "empty.tar"
    )
    with pytest.raises(UserError, match=message):
        list_images(f"{tars}/{source}")


def test_a_broken_member_is_replaced_and_told(tmp_path, folder):
    (folder / "a" / "001.png").write_bytes(b"no image")
    pack(folder, tmp_path / "tars", 1)
    images = UnlabeledImages(str(tmp_path / "tars"), max_broken=0.5)
    assert images[1]["inputs"].equal(images[2]["inputs"])
    assert images.broken_images == ["pool-000.tar#a/001.png"]


def test_training_images_are_the_same_in_the_same_order(tmp_path, folder, shards):
    plain = UnlabeledImages(str(folder))
    packed = UnlabeledImages(str(tmp_path / "tars"), cache="ram")
    packed.full_init()
    assert len(plain) == len(packed)
    for one, other in zip(plain, packed, strict=True):
        assert one["inputs"].equal(other["inputs"])


def _table(file, contents, group=2, kind="struct"):
    """Writes images as Hugging Face's data sets lie, or as plain bytes."""
    if kind == "struct":
        rows = [None if c is None else {"bytes": c, "path": "x.png"} for c in contents]
        column = pa.array(
            rows, pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        )
    else:
        column = pa.array(contents, pa.binary())
    table = pa.table({"label": list(range(len(contents))), "image": column})
    parquet.write_table(table, file, row_group_size=group)


@pytest.mark.parametrize("kind", ["struct", "bytes"])
def test_images_in_parquet(tmp_path, folder, kind):
    files = sorted(folder.rglob("*.png"))
    (tmp_path / "p").mkdir()
    for number in range(2):
        some = [file.read_bytes() for file in files[3 * number : 3 * number + 3]]
        _table(tmp_path / "p" / f"part-{number}.parquet", some, kind=kind)
    want = [f"part-{n}.parquet#{row}" for n in range(2) for row in range(3)]
    for source in ("", "part-{0..1}.parquet", "part-*.parquet"):
        root, ids = list_images(f"{tmp_path}/p/{source}")
        assert (root, ids) == (tmp_path / "p", want)
    for image, file in zip(want, files, strict=True):
        assert np.array_equal(read_image(tmp_path / "p" / image), read_image(file))
    backwards = UnlabeledImages(str(tmp_path / "p"))
    assert backwards[5]["inputs"].shape == (3, 32, 32)


def test_rows_without_an_image_are_broken(tmp_path, folder):
    content = next(folder.rglob("*.png")).read_bytes()
    _table(tmp_path / "a.parquet", [content, None, b"no image", content])
    images = UnlabeledImages(str(tmp_path / "a.parquet"), max_broken=0.9)
    assert images[1]["inputs"].equal(images[3]["inputs"])
    assert images.broken_images == ["a.parquet#1", "a.parquet#2"]


def test_a_table_of_paths_is_a_list(tmp_path, folder):
    table = pa.table({"path": ["images/b/001.png", "images/a/000.png"], "n": [1, 2]})
    parquet.write_table(table, tmp_path / "list.parquet")
    root, ids = list_images(tmp_path / "list.parquet")
    assert (root, ids) == (tmp_path, ["images/b/001.png", "images/a/000.png"])
    with pytest.raises(UserError, match="no column 'x'"):
        list_images(tmp_path / "list.parquet", column="x")


def test_tables_that_hold_no_images(tmp_path):
    parquet.write_table(pa.table({"text": ["a"]}), tmp_path / "a.parquet")
    with pytest.raises(UserError, match="no column of images' bytes, only text"):
        list_images(tmp_path / "a.parquet")
    (tmp_path / "b.parquet").write_bytes(b"no table")
    with pytest.raises(UserError, match="no Parquet file"):
        list_images(tmp_path / "b.parquet")
    _table(tmp_path / "c.parquet", [])
    with pytest.raises(UserError, match="holds no images"):
        list_images(tmp_path / "c.parquet")


def test_threads_share_a_table(tmp_path, folder):
    contents = [file.read_bytes() for file in sorted(folder.rglob("*.png"))] * 8
    _table(tmp_path / "a.parquet", contents, group=3)
    images = UnlabeledImages(str(tmp_path / "a.parquet"), cache="ram")
    images.full_init()
    for row in (0, 7, 47):
        pixels = read_image(sorted(folder.rglob("*.png"))[row % 6])
        assert np.array_equal(images[row]["inputs"].permute(1, 2, 0).numpy(), pixels)


def test_a_large_member_is_looked_at_before_it_is_read(tmp_path, monkeypatch):
    from mmtaskssl.datasets import BrokenImage, image_reader
    from mmtaskssl.datasets.pixel_limit import pixel_limit

    image = Image.fromarray(np.zeros((64, 64, 3), np.uint8))
    (tmp_path / "x").mkdir()
    image.save(tmp_path / "x" / "1.bmp")
    (shard,) = pack(tmp_path / "x", tmp_path / "tars", 1)
    monkeypatch.setattr(image_reader, "_LARGE", 100)
    assert read_image(f"{shard}#1.bmp").shape == (64, 64, 3)
    with pixel_limit(100), pytest.raises(BrokenImage, match="pixels"):
        read_image(f"{shard}#1.bmp")


def test_the_hosts_readers_read_members(shards):
    from mmengine.fileio import LocalBackend

    from mmtaskssl.datasets.host_images import limited_images

    path = f"{shards[0]}#a/000.png"
    with limited_images():
        content = LocalBackend().get(path)
    assert content == members.find(path).read()


@pytest.mark.parametrize("subdir", [True, False])
def test_images_in_lmdb(tmp_path, folder, subdir):
    lmdb = pytest.importorskip("lmdb")
    files = sorted(folder.rglob("*.png"))
    pool = tmp_path / "pool.lmdb"
    with (
        lmdb.open(str(pool), subdir=subdir, map_size=1 << 22) as made,
        made.begin(write=True) as writing,
    ):
        for file in files:
            key = file.relative_to(folder).as_posix()
            writing.put(key.encode(), file.read_bytes())
        writing.put(b"length", b"6")
    root, ids = list_images(pool)
    names = [f"{c}/{n:03d}.png" for c in "ab" for n in range(3)]
    assert (root, ids) == (tmp_path, [f"pool.lmdb#{name}" for name in names])
    images = UnlabeledImages(str(pool))
    loader = DataLoader(images, batch_size=None, num_workers=2)
    for sample, file in zip(loader, files, strict=True):
        assert np.array_equal(sample["inputs"].permute(1, 2, 0), read_image(file))
    assert not members.exists(root / "pool.lmdb#a/other.png")
    (tmp_path / "list.txt").write_text(f"pool.lmdb#{names[4]}\n")
    assert list_images(tmp_path / "list.txt")[1] == [f"pool.lmdb#{names[4]}"]


def test_what_is_no_lmdb(tmp_path, monkeypatch):
    (tmp_path / "a.lmdb").write_bytes(b"text" * 5000)
    with pytest.raises(UserError, match="no LMDB"):
        list_images(tmp_path / "a.lmdb")
    with pytest.raises(UserError, match="does not exist"):
        list_images(tmp_path / "b.lmdb")
    lmdbs._environment.cache_clear()
    monkeypatch.setitem(sys.modules, "lmdb", None)
    with pytest.raises(UserError, match=r"needs lmdb: pip install"):
        list_images(tmp_path / "a.lmdb")


def test_rows_that_are_drawn_at_random_are_written_once(tmp_path, folder, monkeypatch):
    files = sorted(folder.rglob("*.png"))
    contents = [file.read_bytes() for file in files] * 4
    contents[5] = None
    _table(tmp_path / "a.parquet", contents, group=2)  # 12 groups; 4 are held
    root, ids = list_images(tmp_path / "a.parquet")
    order = [row for row in np.random.default_rng(0).permutation(24) if row != 5] * 2
    for row in order:
        assert members.find(root / ids[row]).read() == contents[row]
    with monkeypatch.context() as patch:
        patch.setattr(parquet_module, "_group_of", None)  # which is not needed now
        for row in order:
            assert members.find(root / ids[row]).read() == contents[row]
        with pytest.raises(members.BadShard, match="holds no bytes"):
            members.find(root / ids[5])
    next(p for p in kept.folder().iterdir() if not p.suffix).unlink()
    assert members.find(root / ids[7]).read() == contents[7]


def test_tables_are_read_in_order_without_the_cache(tmp_path, folder):
    contents = [file.read_bytes() for file in sorted(folder.rglob("*.png"))] * 4
    _table(tmp_path / "a.parquet", contents, group=2)
    for _ in range(2):
        for row in range(24):
            assert members.find(f"{tmp_path}/a.parquet#{row}").read() == contents[row]
        members._table.cache_clear()
    assert not kept.folder().exists()
