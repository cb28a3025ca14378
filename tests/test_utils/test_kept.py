"""The bounded cache of large files."""

import os
import time

import pytest

from mmtaskssl.utils import kept
from mmtaskssl.utils.errors import UserError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv(kept.LIMIT, "0.000001")  # 1,000 bytes
    monkeypatch.setattr(kept, "_SPARE", 0)
    monkeypatch.setattr(kept, "_used", {})
    monkeypatch.setattr(kept, "_TOUCHED", 0.0)
    return tmp_path / "mmtaskssl" / "kept"


def _keep(name, size=400, **options):
    return kept.keep(name, size, lambda file: file.write(name.encode()), **options)


def _age(path, seconds):
    os.utime(path, (time.time() - seconds,) * 2)


def test_a_file_is_made_once(cache):
    path = _keep("a")
    assert path.read_bytes() == b"a" and kept.find("a") == path
    assert kept.keep("a", 400, None) == path
    assert [p.name for p in cache.iterdir() if not p.name.startswith(".")] == [
        path.name
    ]


def test_what_was_used_longest_ago_goes_first():
    for age, name in ((30, "a"), (20, "b"), (10, "c")):
        kept.keep(name, 400, lambda file: file.write(bytes(400)))
        if (path := kept.find(name)) is not None:
            _age(path, age)
    assert kept.find("a") is None  # it went for c
    assert kept.find("b") is not None  # which counts as a use
    kept.keep("d", 400, lambda file: file.write(bytes(400)))
    assert kept.find("c") is None and kept.find("b") is not None


def test_there_may_be_no_room():
    assert _keep("large", 1001) is None
    kept.keep("a", 700, lambda file: file.write(bytes(700)))
    assert _keep("b", 400, replace=False) is None and kept.find("a") is not None
    assert _keep("b", 400) is not None and kept.find("a") is None


def test_a_failure_leaves_nothing(cache):
    def fail(file):
        file.write(b"half")
        raise ValueError

    with pytest.raises(ValueError):
        kept.keep("a", 400, fail)
    assert kept.find("a") is None
    assert [path.name for path in cache.iterdir()] == [".room.lock"]


def test_what_a_killed_process_left_is_removed(cache):
    _keep("a")
    (cache / f"{'0' * 32}.part").write_bytes(bytes(900))
    assert _keep("b", 500) is not None
    assert not (cache / f"{'0' * 32}.part").exists()


def test_a_limit_that_is_no_number(monkeypatch):
    monkeypatch.setenv(kept.LIMIT, "much")
    with pytest.raises(UserError, match="must be gigabytes, such as 50, not 'much'"):
        kept.limit()


def test_a_place_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert _keep("a") is None and kept.find("a") is None
