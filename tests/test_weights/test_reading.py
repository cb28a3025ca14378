"""The one door: everything of our own checkpoints comes through, nothing else does."""

import copyreg
import io
import os
import pickle
import shutil
import zipfile
from collections import OrderedDict
from pathlib import PurePosixPath

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer, MessageHub
from mmengine.runner import load_checkpoint

from mmtaskssl.runs import Work
from mmtaskssl.utils import hashing
from mmtaskssl.utils.errors import UserError
from mmtaskssl.weights import load_state_dict, read_checkpoint, save_state_dict
from mmtaskssl.weights.guard import guarded
from mmtaskssl.weights.plain_pickle import load_data

from ._hostile import Payload


def _saved(content, tmp_path, name="x.pth"):
    torch.save(content, tmp_path / name)
    return tmp_path / name


def test_logs_arrays_and_numbers_come_back_as_they_were(tmp_path):
    hub = MessageHub("reading")
    for value in (3.0, 1.0):
        hub.update_scalar("train/loss", value)
    arrays = {
        "c": np.arange(6, dtype=np.float32).reshape(2, 3),
        "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
        "big": np.arange(3, dtype=">i2"),
        "text": np.array(["a", "bc"]),
        "objects": np.array(["a", None, 3], dtype=object),
        "empty": np.zeros((0, 4), dtype=bool),
        "scalar": np.float32(2.5),
        "flag": np.bool_(True),
    }
    shared = [1, 2]
    content = {
        "state_dict": OrderedDict(w=torch.ones(3, dtype=torch.bfloat16)),
        "message_hub": hub.state_dict(),
        "meta": {"cfg": "x = 1", "dataset_meta": {"palette": arrays}},
        "optimizer": {"state": {0: {"step": torch.tensor(3.0)}}, "groups": (1, (2.5,))},
        "twice": [shared, shared],
    }
    found = read_checkpoint(_saved(content, tmp_path))
    assert torch.equal(found["state_dict"]["w"], content["state_dict"]["w"])
    assert found["optimizer"]["groups"] == (1, (2.5,))
    assert found["twice"][0] is found["twice"][1] and found["twice"][0] == shared
    log = found["message_hub"]["log_scalars"]["train/loss"]
    assert type(log) is HistoryBuffer
    log.update(2.0)
    assert log.mean() == 2 and log.current() == 2
    restored = MessageHub("restored")
    restored.load_state_dict(found["message_hub"])
    assert restored.get_scalar("train/loss").max() == 3
    for name, array in arrays.items():
        other = found["meta"]["dataset_meta"]["palette"][name]
        assert np.array_equal(other, array) and other.dtype == array.dtype, name
        assert np.shape(other) == np.shape(array)


def test_old_and_new_pickles_of_arrays_are_read_as_data(tmp_path):
    content = {"model": {"w": np.arange(4.0)}, "author": "x", "n": np.int64(3)}
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        found = load_data(io.BytesIO(pickle.dumps(content, protocol)))
        assert np.array_equal(found["model"]["w"], np.arange(4.0)) and found["n"] == 3


def test_code_runs_only_where_it_is_trusted(tmp_path):
    mark = tmp_path / "ran"
    file = _saved({"state_dict": {"w": torch.ones(1)}, "x": Payload(mark)}, tmp_path)
    with pytest.raises(UserError, match=r"posix.mkdir.*say so with `trust`"):
        read_checkpoint(file)
    with pytest.raises(UserError, match="more than weights"):
        load_state_dict(file)
    assert not mark.exists()
    assert torch.equal(load_state_dict(file, trust=True)["w"], torch.ones(1))
    assert mark.exists()


def test_objects_of_other_kinds_are_refused(tmp_path):
    for value in (PurePosixPath("x"), copyreg.pickle, Payload):
        with pytest.raises(UserError, match="more than weights"):
            read_checkpoint(_saved({"state_dict": {}, "x": value}, tmp_path))


def test_the_config_that_a_runner_would_run_is_left_out(tmp_path):
    file = _saved({"meta": {"config": "import os", "cfg": "x", "iter": 3}}, tmp_path)
    assert read_checkpoint(file)["meta"] == {"cfg": "x", "iter": 3}
    assert "config" in read_checkpoint(file, trust=True)["meta"]


class _Reduced:
    def __init__(self, *reduced):
        self.reduced = reduced

    def __reduce__(self):
        return self.reduced


@pytest.mark.parametrize("place", ["torch", "plain"])
def test_what_stands_for_arrays_cannot_be_turned_against_us(tmp_path, place):
    """Lengths that do not fit, types with fields, functions with a state."""
    multi = np._core.multiarray if hasattr(np, "_core") else np.core.multiarray
    base = (np.ndarray, (0,), b"b")
    fields = np.dtype([("a", "i4")])
    hostile = [
        _Reduced(multi._reconstruct, base, (1, (1 << 40,), np.dtype("f8"), False, b"")),
        _Reduced(multi._reconstruct, base, (1, (-1,), np.dtype("f8"), False, b"1" * 8)),
        _Reduced(multi._reconstruct, base, (1, (1,), fields, False, b"1234")),
        _Reduced(multi.scalar, (np.dtype("M8[s]"), b"12345678")),
        _Reduced(multi.scalar, (np.dtype("O"), b"12345678")),
    ]
    for value in hostile:
        if place == "torch":
            with pytest.raises(UserError):
                read_checkpoint(_saved({"x": value}, tmp_path))
        else:
            with pytest.raises(pickle.UnpicklingError):
                load_data(io.BytesIO(pickle.dumps(value)))
    changed = b"cnumpy.core.multiarray\n_reconstruct\n(dVx\nK\x01sb."
    with pytest.raises(pickle.UnpicklingError, match="function with a state"):
        load_data(io.BytesIO(changed))


def test_tuples_that_repeat_each_other_are_not_written_out(tmp_path):
    value = ()
    for _ in range(60):  # 2 ** 60 tuples, were each written out
        value = (value, value)
    assert len(read_checkpoint(_saved({"x": value}, tmp_path))["x"]) == 2
    for _ in range(3000):
        value = [value]
    content = pickle.dumps("x")  # too deep to be pickled by its own function
    content = b"\x80\x02" + b"]" * 5000 + b"a" * 4999 + b"."
    with pytest.raises(pickle.UnpicklingError, match="too deeply"):
        load_data(io.BytesIO(content))


def test_damaged_files_and_those_that_are_none(tmp_path):
    (tmp_path / "empty.pth").touch()
    (tmp_path / "text.pth").write_text("hello, there\n" * 9)
    whole = _saved({"state_dict": {"w": torch.ones(99)}}, tmp_path)
    (tmp_path / "cut.pth").write_bytes(whole.read_bytes()[:-200])
    os.mkfifo(tmp_path / "pipe.pth")
    (tmp_path / "link.pth").symlink_to("/dev/zero")
    for name, words in {
        "empty.pth": "no checkpoint",
        "text.pth": "no checkpoint",
        "cut.pth": "no checkpoint",
        "none.pth": "does not exist",
        "pipe.pth": "named pipe",
        "link.pth": "a device",
        "": "a folder",
    }.items():
        with pytest.raises(UserError, match=words):
            read_checkpoint(tmp_path / name)


@pytest.mark.parametrize("trust", [False, True])
def test_a_flipped_byte_of_a_weight_is_found(tmp_path, trust):
    whole = _saved({"state_dict": {"w": torch.ones(99)}}, tmp_path)
    data = whole.read_bytes()
    at = data.index(torch.ones(99).numpy().tobytes())
    damaged = tmp_path / "damaged.pth"
    damaged.write_bytes(data[:at] + b"\1" + data[at + 1 :])
    with pytest.raises(UserError, match=r"damaged.pth is damaged.*CRC"):
        read_checkpoint(damaged, trust)


def test_an_archive_without_checksums_is_read(tmp_path):
    torch.serialization.set_crc32_options(False)
    try:
        path = _saved({"state_dict": {"w": torch.ones(99)}}, tmp_path)
    finally:
        torch.serialization.set_crc32_options(True)
    with zipfile.ZipFile(path) as archive:
        assert not any(part.CRC for part in archive.infolist())
    assert read_checkpoint(path)["state_dict"]["w"].sum() == 99


def test_an_archive_that_would_grow_is_refused(tmp_path):
    whole = _saved({"state_dict": {"w": torch.zeros(1 << 20)}}, tmp_path)
    small = tmp_path / "small.pth"
    packed = zipfile.ZipFile(small, "w", zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(whole) as old, packed as new:
        for part in old.infolist():
            new.writestr(part.filename, old.read(part))
    with pytest.raises(UserError, match="would grow to 4,19"):
        read_checkpoint(small)


def test_a_file_that_a_record_lists_is_compared(tmp_path):
    """Wherever it is read, and whatever reads it."""
    state = {"weight": torch.ones(1, 1)}
    work = Work("export", 1, {}, ["w.pth", "w.safetensors"], "an export")
    with work.written(tmp_path / "out") as folder:
        for name in work.files:
            save_state_dict(state, folder / name)
    save_state_dict({"weight": torch.zeros(1, 1)}, tmp_path / "other.pth")
    save_state_dict({"weight": torch.zeros(1, 1)}, tmp_path / "other.safetensors")
    for kind in ("pth", "safetensors"):
        place = tmp_path / "out" / f"w.{kind}"
        assert load_state_dict(place)["weight"].item() == 1
        shutil.copy(tmp_path / f"other.{kind}", place)
        with pytest.raises(UserError, match=rf"w\.{kind} is not what was written"):
            load_state_dict(place)
    module = torch.nn.Linear(1, 1, bias=False)
    with guarded(), pytest.raises(UserError, match="is not what was written"):
        load_checkpoint(module, str(tmp_path / "out" / "w.pth"))


def test_what_is_large_is_hashed_once(tmp_path, monkeypatch):
    file = tmp_path / "large"
    file.write_bytes(bytes(1 << 20))
    first = hashing.known_sha256(file)
    hashed = []
    monkeypatch.setattr(hashing, "file_sha256", lambda p: hashed.append(p) or "new")
    assert hashing.known_sha256(file) == first and not hashed
    os.utime(file, ns=(0, 0))
    assert hashing.known_sha256(file) == "new" and hashed
