"""Folders of the cache: what goes for whom, and what stays."""

import os
import time

import pytest

from mmtaskssl.utils import kept, kept_folders


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv(kept.LIMIT, "0.000003")  # 3,000 bytes
    monkeypatch.setattr(kept, "_used", {})


def make(name, size=1000, age=0):
    """Makes a folder in the cache that was used some seconds ago."""
    folder = kept.folders() / name
    os.close(kept_folders.hold(folder))
    (folder / "inner").mkdir()
    (folder / "inner" / "file").write_bytes(b"x" * size)
    (folder / "link").symlink_to("nowhere")
    used = time.time() - age
    os.utime(folder / ".used", (used, used))
    return folder


def keep(name, size):
    return kept.keep(name, size, lambda file: file.write(b"y" * size))


def test_what_was_used_longest_ago_goes_for_a_file():
    new, old = make("new", age=10), make("old", age=20)
    assert keep("a", 1500) and not old.exists() and new.exists()
    assert keep("b", 1400) and not new.exists()
    assert kept.find("a") and kept.find("b")


def test_files_go_for_a_folder():
    file = keep("a", 2500)
    os.utime(file, (0, 0))
    folder = make("new")
    kept.trim()
    assert folder.exists() and not file.exists()


def test_what_is_in_use_stays_and_does_not_count():
    folder = make("old", age=20)
    held = kept_folders.hold(folder)
    assert kept_folders.idle(kept.folders()) == {}
    assert keep("a", 2900) and folder.exists() and not kept_folders.remove(folder)
    os.close(held)
    kept.trim()
    assert kept.find("a") is None or not folder.exists()


def test_a_use_makes_it_new():
    first, second = make("first", age=20), make("second", age=10)
    os.close(kept_folders.hold(first))
    assert keep("a", 1500)
    assert first.exists() and not second.exists()


def test_one_of_an_earlier_version_goes_too():
    folder = make("old")
    (folder / ".used").unlink()
    os.utime(folder, (0, 0))
    make("new")
    assert keep("a", 1500) and not folder.exists()


def test_what_is_no_folder_is_left_alone():
    make("old")
    (kept.folders() / "notes.txt").write_text("mine")
    assert keep("a", 2900) and (kept.folders() / "notes.txt").exists()
