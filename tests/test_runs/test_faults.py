"""A disk that gives way half-way: one error that says so, and nothing is harmed."""

import contextlib
import errno
import itertools
import json
import os
import resource
import zipfile

import numpy as np
import pytest
import torch

from mmtaskssl.clustering.clusters import Clusters
from mmtaskssl.clustering.paths import make_paths
from mmtaskssl.runs import OutputFile, Work
from mmtaskssl.runs.result_file import ResultFile
from mmtaskssl.utils import atomic
from mmtaskssl.utils.errors import UserError, refusal

_NUMBERS = (errno.ENOSPC, errno.EACCES, errno.EIO, errno.ESTALE)
_SIZE = 4000


def _text(out, value):
    with OutputFile(out).written(True) as file:
        file.write_text(str(value) * _SIZE)


def _checkpoint(out, value):
    with OutputFile(out).written(True) as file:
        torch.save({"w": torch.full((_SIZE,), value)}, file)


def _result(out, value):
    ResultFile(out, "a tally", lambda found: "tally" in found).write(
        {"tally": [value] * _SIZE}
    )


def _folder(out, value):
    work = Work("list", 1, {"value": value}, ("a.txt", "b.npy"), "a list")
    work.state(out, overwrite=True)
    with work.written(out) as folder:
        (folder / "a.txt").write_text(str(value))
        np.save(folder / "b.npy", np.full(_SIZE, value))


def _growing(out, value):
    work = Work("list", 1, {"value": value}, ("a.json", "b.npy"), "a list")
    work.state(out, overwrite=True)
    with work.growing(out) as growing:
        atomic.write_json(out / "a.json", [value])
        with atomic.atomic_path(out / "b.npy") as file:
            np.save(file, np.full(_SIZE, value))
        growing.finish()


def _clusters(out, value):
    leaf = np.arange(_SIZE, dtype=np.int32) % 4
    ids = [f"{value}-{i}" for i in range(_SIZE)]
    made = Clusters((2, 2), ids, "/pool", leaf, make_paths((2, 2)), {"seed": value})
    made.save(out, overwrite=True, report=False)


_WRITERS = [_text, _checkpoint, _result, _folder, _growing, _clusters]


def _content(out):
    """Returns the bytes of a file or folder, without when it was written."""
    if zipfile.is_zipfile(out):  # whose parts bear the name that it was written under
        return {k: v.tolist() for k, v in torch.load(out).items()}
    if out.is_file():
        return out.read_bytes()
    found = {p.name: p.read_bytes() for p in out.iterdir()}
    record = json.loads(found.pop("mmtaskssl.json", b"{}"))
    return {**found, "record": {**record, "made": None, "environment": None}}


@contextlib.contextmanager
def _failing(monkeypatch, name, number, after):
    """Lets one call of the system fail once, after so many that succeed."""
    real, calls = getattr(os, name), itertools.count()

    def call(*args, **kwargs):
        if next(calls) == after:
            place = args[0] if isinstance(args[0], str | os.PathLike) else None
            raise OSError(number, os.strerror(number), place)
        return real(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(os, name, call)
        yield calls


@contextlib.contextmanager
def _small_files(limit=2000):
    """No file may be longer: a real error of the system, in whatever writes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _sentence(error):
    return str(error if isinstance(error, UserError) else refusal(error))


@pytest.fixture(params=_WRITERS, ids=lambda writer: writer.__name__.strip("_"))
def written(request, tmp_path):
    """A writer, a folder with what it wrote, and what both of its values look like."""
    contents = []
    for value in (2, 1):
        request.param(tmp_path / "out", value)
        contents.insert(0, _content(tmp_path / "out"))
    return request.param, tmp_path, contents


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_what_fails_harms_nothing(written, monkeypatch, call):
    writer, place, (old, new) = written
    failed = 0
    for after in range(100):
        number = _NUMBERS[after % len(_NUMBERS)]
        with _failing(monkeypatch, call, number, after) as calls:
            try:
                writer(place / "out", 2)
            except (UserError, OSError) as error:
                assert os.strerror(number) in _sentence(error)
                failed += 1
        if next(calls) <= after:  # there are no more calls
            break
        if writer is not _growing:  # which fills its folder file by file
            assert _content(place / "out") in (old, new)
            assert [p.name for p in place.iterdir()] == ["out"]
        writer(place / "out", 1)
    assert failed
    assert _content(place / "out") == new
    assert [p.name for p in place.iterdir()] == ["out"]


def test_a_file_that_cannot_grow_harms_nothing(written):
    writer, place, (old, new) = written
    with (
        pytest.raises((UserError, OSError)) as caught,
        _small_files(),
    ):
        writer(place / "out", 2)
    assert _sentence(caught.value)
    if writer is not _growing:
        assert _content(place / "out") == old
        assert [p.name for p in place.iterdir()] == ["out"]
    writer(place / "out", 2)  # removes what may be left
    assert _content(place / "out") == new
    assert [p.name for p in place.iterdir()] == ["out"]
