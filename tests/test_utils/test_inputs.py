"""Files of others are read within bounds, and nothing is waited for."""

import json
import os
import socket

import numpy as np
import pytest
import yaml

from mmtaskssl.utils import inputs
from mmtaskssl.utils.inputs import (
    UnusableFile,
    load_array,
    open_text,
    parse_json,
    parse_yaml,
    read_bytes,
    read_json,
    read_text,
)


@pytest.fixture(params=["pipe", "device", "socket", "folder"])
def no_file(request, tmp_path, monkeypatch):
    path = tmp_path / "x"
    if request.param == "pipe":
        os.mkfifo(path)
    elif request.param == "device":
        path.symlink_to("/dev/zero")
    elif request.param == "folder":
        path.mkdir()
    else:
        monkeypatch.chdir(tmp_path)  # a socket's path may not be long
        with socket.socket(socket.AF_UNIX) as end:
            end.bind("x")
    return path


@pytest.mark.parametrize(
    "read", [read_bytes, read_text, read_json, open_text, load_array]
)
def test_what_is_no_file_is_refused_at_once(no_file, read):
    with pytest.raises(UnusableFile, match="no file"):
        read(no_file)


def test_size_is_bounded(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"a" * 11)
    assert read_bytes(path, limit=11) == b"a" * 11
    with pytest.raises(UnusableFile, match="11 bytes, more than the limit of 10"):
        read_bytes(path, limit=10)
    # Said to be empty by its file system, and it is not.
    assert read_text("/proc/self/status").startswith("Name:")
    with pytest.raises(UnusableFile, match="more bytes than the limit"):
        read_bytes("/proc/self/status", limit=20)


def test_json_depth_is_bounded():
    assert parse_json('{"a": [1, {"b": null}]}') == {"a": [1, {"b": None}]}
    assert parse_json("[" * 60 + "]" * 60) is not None
    wide = json.dumps([[i] for i in range(1000)])
    assert len(parse_json(wide)) == 1000
    for depth in (70, 900, 100_000):
        for left, right in (("[", "]"), ('{"a":', "}")):
            with pytest.raises(ValueError, match="nested"):
                parse_json(left * depth + "1" + right * depth)
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json("[" * 100_000 + "]" * 100_000, max_depth=None)
    with pytest.raises(ValueError, match="Expecting"):
        parse_json("{")


def _bomb(levels):
    lines = ["a0: &a0 [x, x]"]
    lines += [
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, levels)
    ]
    return "\n".join(lines)


def test_yaml_is_plain_and_bounded():
    assert parse_yaml("a: &x [1, 2]\nb: *x\nc: {<<: {d: 1.5}}") == {
        "a": [1, 2],
        "b": [1, 2],
        "c": {"d": 1.5},
    }
    assert parse_yaml("") is None
    for text, words in {
        _bomb(12): "stand for more than 1,000,000",
        "{<<: [" + _bomb(3) + "]}": "while|expected",
        "a: &a [*a]": "repeats itself",
        "[" * 100 + "]" * 100: "nested deeper",
        "[" * 50_000: "nested too deeply|maximum nesting depth",  # libyaml's own
        "\n".join(" " * i + "a:" for i in range(2000)): "nested too deeply",
        "!!python/object/apply:os.mkdir ['/x']": "could not determine a constructor",
        "a: !!python/name:os.mkdir": "could not determine a constructor",
        "a: [": "while parsing",
        "x" * (5 << 20): "more than",
    }.items():
        with pytest.raises(ValueError, match=words):
            parse_yaml(text)


def test_yaml_has_the_values_that_pyyaml_gives_it(monkeypatch):
    text = (
        "a: [0x1F, 017, 1_000, 1e3, 1.5e+3, .inf, ~, yes, 2020-01-02]\n"
        "z: ['1', \"\\u00e9\"]\n"
        "b: &b {c: é, d: e}\nf:\n- - g\n  - h # no\n- *b\n<<: *b\n"
        "i: |\n  two\n  lines\nj: >-\n  one\n  line\nk: !!set {l, m}\n"
    )
    expected = yaml.safe_load(text)
    assert parse_yaml(text) == expected
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    inputs._yaml_loader.cache_clear()
    assert parse_yaml(text) == expected
    inputs._yaml_loader.cache_clear()


def test_arrays_hold_numbers(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(3))
    assert load_array(tmp_path / "x.npy").tolist() == [0, 1, 2]
    assert isinstance(load_array(tmp_path / "x.npy", mapped=True), np.memmap)
    np.save(tmp_path / "o.npy", np.array([{}]), allow_pickle=True)
    np.savez(tmp_path / "z.npz", a=np.arange(3))
    (tmp_path / "e.npy").touch()
    for name, words in {
        "o.npy": "allow_pickle",
        "z.npz": "archive",
        "e.npy": "empty",
    }.items():
        with pytest.raises(ValueError, match=words):
            load_array(tmp_path / name)
