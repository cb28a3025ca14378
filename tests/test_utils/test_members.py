"""Files inside tars."""

import gzip
import io
import os
import tarfile

import pytest

from mmtaskssl.utils import kept, members, tars
from mmtaskssl.utils.hashing import file_sha256
from mmtaskssl.utils.inputs import check_regular, open_input, read_bytes


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    tars._index.cache_clear()
    yield tmp_path / "cache" / "mmtaskssl" / "shards"
    tars._index.cache_clear()


def _tar(file, contents, **options):
    with tarfile.open(file, "w", **options) as tar:
        for name, content in contents:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return file


def _read(shard, name):
    return members.find(f"{shard}#{name}").read()


def test_members_are_read_as_files_are(tmp_path):
    shard = _tar(tmp_path / "a.tar", [("x/1.jpg", b"one"), ("./2.jpg", b"two" * 999)])
    path = f"{shard}#x/1.jpg"
    assert members.split(path) == (str(shard), "x/1.jpg")
    assert members.member_names(shard) == ["x/1.jpg", "2.jpg"]
    assert read_bytes(path) == b"one" and check_regular(path) == 3
    with open_input(shard.parent / "a.tar#2.jpg") as file:
        assert file.read() == b"two" * 999
    (tmp_path / "1.jpg").write_bytes(b"one")
    assert file_sha256(path) == file_sha256(tmp_path / "1.jpg")
    assert members.exists(path) and members.exists(tmp_path / "1.jpg")
    assert not members.exists(f"{shard}#x/3.jpg")


@pytest.mark.parametrize("kind", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_long_and_odd_names(tmp_path, kind):
    names = [f"{'d' * 90}/{'f' * 90}.jpg", "ä ö#.jpg", "a\nb.jpg", "/root.jpg"]
    shard = _tar(tmp_path / "a.tar", [(n, n.encode()) for n in names], format=kind)
    assert members.member_names(shard) == [*names[:3], "root.jpg"]
    for name, written in zip(members.member_names(shard), names, strict=True):
        assert _read(shard, name) == written.encode()


def test_what_is_no_file_in_a_tar_is_left_out(tmp_path):
    shard = tmp_path / "a.tar"
    with tarfile.open(shard, "w") as tar:
        for name, kind in (("d", tarfile.DIRTYPE), ("l", tarfile.SYMTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
    assert members.member_names(shard) == []
    with pytest.raises(FileNotFoundError):
        members.find(f"{shard}#l").read()


def test_a_path_without_a_tar_names_no_member(tmp_path):
    odd = tmp_path / "not.tar#here.jpg"
    odd.write_bytes(b"a file")
    assert members.find(odd) is None
    assert read_bytes(odd) == b"a file"


def test_a_tar_that_changes_is_looked_through_again(tmp_path):
    shard = _tar(tmp_path / "a.tar", [("1", b"old")])
    assert _read(shard, "1") == b"old"
    _tar(shard, [("0", b"first"), ("1", b"newer")])
    os.utime(shard, ns=(1, 1))
    assert _read(shard, "1") == b"newer"


def test_the_index_of_many_members_is_kept(tmp_path, cache, monkeypatch):
    many = [(f"{n}.jpg", str(n).encode()) for n in range(1000)]
    shard = _tar(tmp_path / "a.tar", many)
    assert _read(shard, "777.jpg") == b"777"
    (kept,) = cache.iterdir()
    tars._index.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(tars, "_look_through", None)  # which is not needed
        assert _read(shard, "999.jpg") == b"999"
        assert len(members.member_names(shard)) == 1000
    for damage in (b"", b"no index", kept.read_bytes()[:-30]):
        kept.write_bytes(damage)
        tars._index.cache_clear()
        assert _read(shard, "5.jpg") == b"5"


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("a file where a folder is meant")
    shard = _tar(tmp_path / "a.tar", [(f"{n}", b"x") for n in range(1000)])
    assert _read(shard, "3") == b"x"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:700], "no whole tar"),
        (lambda data: data[:1536] + b"\xff" * 512 + data[2048:], "damaged after 1 "),
        (lambda data: b"\x1f\x8b" + data[2:], "compressed"),
        (lambda data: b"text" * 300, "no whole tar"),
        (lambda data: b"", "no whole tar"),
    ],
)
def test_damaged_tars(tmp_path, damage, message):
    shard = _tar(tmp_path / "a.tar", [("1", b"x" * 1000), ("2", b"y" * 1000)])
    shard.write_bytes(damage(shard.read_bytes()))
    with pytest.raises(members.BadShard, match=message):
        _read(shard, "2")


def test_two_members_of_one_name_are_refused(tmp_path):
    shard = _tar(tmp_path / "a.tar", [("1", b"x"), ("./1", b"y")])
    with pytest.raises(members.BadShard, match="more than one 1"):
        members.member_names(shard)


@pytest.mark.parametrize("ending", ["tar.gz", "tgz", "tar"])
def test_a_packed_tar_is_unpacked_once(tmp_path, ending, monkeypatch):
    contents = [(f"{n}.jpg", os.urandom(3000)) for n in range(5)]
    shard = _tar(tmp_path / "plain.tar", contents)
    packed = tmp_path / f"packed.{ending}"
    packed.write_bytes(gzip.compress(shard.read_bytes()))
    path = f"{packed}#3.jpg"
    assert members.split(path) == (str(packed), "3.jpg")
    assert members.find(path).read() == contents[3][1]
    with monkeypatch.context() as patch:
        patch.setattr(tars, "_unpack", None)  # which is not needed again
        assert members.find(path).read() == contents[3][1]
    (copy,) = (p for p in kept.folder().iterdir() if not p.name.startswith("."))
    copy.unlink()  # as another process may
    assert _read(packed, "4.jpg") == contents[4][1]
    monkeypatch.setenv(kept.LIMIT, "0.00001")
    next(p for p in kept.folder().iterdir() if not p.suffix).unlink()
    with pytest.raises(members.BadShard, match=r"no room to unpack it .*CACHE_GB"):
        _read(packed, "4.jpg")


def test_a_packed_tar_that_is_cut_short(tmp_path):
    shard = _tar(tmp_path / "plain.tar", [("1.jpg", os.urandom(9000))])
    packed = tmp_path / "packed.tgz"
    packed.write_bytes(gzip.compress(shard.read_bytes())[:-500])
    with pytest.raises(members.BadShard, match="damaged or cut short"):
        members.member_names(packed)
