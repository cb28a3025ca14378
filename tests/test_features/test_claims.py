"""One store filled by processes that die, fall silent, or do not know each other."""

import errno
import json
import multiprocessing
import shutil

import numpy as np
import pytest

from mmtaskssl.datasets.images import list_images
from mmtaskssl.features import fill
from mmtaskssl.features.claims import Claims
from mmtaskssl.features.extract import extract_to_store
from mmtaskssl.features.layout import shard_path
from mmtaskssl.runs import locks
from mmtaskssl.runs.claims import claim_of
from mmtaskssl.runs.holder import Holder
from mmtaskssl.utils.errors import UserError
from tests._images import make_image_folder
from tests.test_features.test_extract import folder_bytes, make_runner


@pytest.fixture
def images(tmp_path):
    make_image_folder(tmp_path / "images", n_per_class=8, classes=("a", "b"), size=20)
    (tmp_path / "images" / "b" / "001.png").write_bytes(b"broken")
    return list_images(str(tmp_path / "images"))


@pytest.fixture
def whole(images, tmp_path):
    extract_to_store(make_runner(), *images, tmp_path / "whole", rows_per_shard=4)
    return folder_bytes(tmp_path / "whole")


@pytest.fixture
def begun(images, tmp_path, monkeypatch):
    """A store without any shard yet."""

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(fill, "fill", stop)
        extract_to_store(make_runner(), *images, tmp_path / "s", rows_per_shard=4)
    return tmp_path / "s"


def claim_from_elsewhere(store, index, lease):
    holder = json.loads(Holder.own("other", lease).write())
    path = claim_of(shard_path(store, index))
    path.write_text(json.dumps({**holder, "host": "elsewhere"}))


def extract(images, store):
    extract_to_store(make_runner(), *images, store, rows_per_shard=4)


def test_the_shards_of_a_machine_that_died_are_taken_over(
    images, whole, begun, monkeypatch
):
    for index in (0, 2):
        claim_from_elsewhere(begun, index, 0.2)
    (begun / ".shard-00002.npy.mmtaskssl-abcd1234.npy").write_bytes(b"half")
    (begun / ".shard-00001.npy.claim").write_bytes(b"")  # died as it was made
    monkeypatch.setattr(Claims.__init__, "__defaults__", (0.2,))
    extract(images, begun)
    assert folder_bytes(begun) == whole


def test_the_shard_of_a_machine_at_work_is_waited_for(images, whole, begun, tmp_path):
    claim_from_elsewhere(begun, 1, 60.0)
    worker = multiprocessing.get_context("fork").Process(
        target=extract, args=(images, begun)
    )
    worker.start()
    worker.join(timeout=1.5)
    assert worker.is_alive()
    done = [shard_path(begun, index).exists() for index in range(4)]
    assert done == [True, False, True, True]
    shutil.copy(shard_path(tmp_path / "whole", 1), begun)
    claim_of(shard_path(begun, 1)).unlink()
    worker.join(timeout=20)
    assert worker.exitcode == 0 and folder_bytes(begun) == whole


@pytest.mark.parametrize("heir_is", ["at work", "done", "done with all"])
def test_who_awakes_late_changes_nothing(images, whole, begun, monkeypatch, heir_is):
    write = fill._write

    def asleep(writer, claims, index, features, broken):
        if index == 2:
            for claim in begun.glob(".shard-*.claim"):  # the next one's, too
                claim.unlink()
            if heir_is == "at work":
                claim_from_elsewhere(begun, 2, 60.0)
            else:
                monkeypatch.setattr(fill, "_write", write)
                extract(images, begun)
                if heir_is == "done":
                    shard_path(begun, 3).unlink()
        write(writer, claims, index, features, broken)

    monkeypatch.setattr(fill, "_write", asleep)
    extract(images, begun)
    assert folder_bytes(begun) == whole


def test_who_awakes_late_and_finds_its_file_swept_away_goes_on(
    images, whole, begun, monkeypatch
):
    """An heir removes the half of a shard that it takes for a dead process's."""
    save = np.save

    def swept(file, array):
        monkeypatch.setattr(np, "save", save)
        save(file, array)
        (litter,) = begun.glob(".shard-*.mmtaskssl-*")
        litter.unlink()
        claim_of(shard_path(begun, 0)).unlink()

    monkeypatch.setattr(np, "save", swept)
    extract(images, begun)
    assert folder_bytes(begun) == whole


def test_a_full_disk_of_a_holder_is_said(images, begun, monkeypatch):
    def full(file, array):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(UserError, match="space"):
        extract(images, begun)
    assert not list(begun.glob(".*"))


def test_machines_without_common_locks_begin_and_end_at_once(
    images, whole, tmp_path, monkeypatch
):
    def none(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks.fcntl, "flock", none)
    fork = multiprocessing.get_context("fork")
    workers = [
        fork.Process(target=extract, args=(images, tmp_path / "s")) for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert folder_bytes(tmp_path / "s") == whole


def test_a_part_that_came_after_the_end_is_swept(images, whole, tmp_path):
    (tmp_path / "whole" / "shard-00002.bad.json").write_text('[[9, "late"]]')
    extract(images, tmp_path / "whole")
    assert folder_bytes(tmp_path / "whole") == whole
