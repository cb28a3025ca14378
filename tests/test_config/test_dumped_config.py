"""A dumped config is read as data, with the values that running it would give."""

import math

import pytest
from mmengine.config import Config

from mmtaskssl.config import load_config
from mmtaskssl.config.dumped_config import read_dumped_config
from mmtaskssl.utils.errors import UserError


@pytest.mark.parametrize(
    "name",
    [
        "selfsup/mocov2/mocov2_resnet18-w8_1xb16-coslr-12i_debug-32px.py",
        "transfer/detection/debug/faster-rcnn_fpn_1xb4-12i_debug-64px.py",
        "transfer/segmentation/debug/fcn_d8_1xb4-12i_debug-64px.py",
    ],
)
def test_values_are_those_of_the_config(name, tmp_path):
    cfg = load_config(name)
    cfg.odd = {"a b": [1, (2.5, -3)], "none": None, "yes": True, "text": "it's\n'x'"}
    cfg.dump(tmp_path / "config.py")
    expected = Config.fromfile(tmp_path / "config.py").to_dict()
    assert read_dumped_config(tmp_path / "config.py") == expected


def test_numbers_and_brackets(tmp_path):
    path = tmp_path / "config.py"
    path.write_text(
        '"""Says what it is."""\n'
        "a = dict({'b c': 1}, d=-inf, **{'e': nan})\nf = {1, 2}\ng = set()\nh = 'x' 'y'"
    )
    found = read_dumped_config(path)
    assert found["a"]["b c"] == 1 and found["a"]["d"] == -math.inf
    assert math.isnan(found["a"]["e"])
    assert found["f"] == {1, 2} and found["g"] == set() and found["h"] == "xy"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = 1\nimport os", "line 2, holds more than values, and is not run: import"),
        ("from os import path", "line 1"),
        ("a = open('x')", r"not run: open\('x'\)"),
        ("a = dict(b=[1, f()])", r"f\(\)"),
        ("a = dict([('b', 1)])", "not run"),
        ("a = dict(**b)", "not run: b"),
        ("a = b.c", "not run"),
        ("a = -'x'", "not run"),
        ("a = 1 + 1", "not run"),
        ("a = f'{b}'", "not run"),
        ("a, b = 1, 2", "not run"),
        ("a.b = 1", "not run"),
        ("a: int = 1", "not run"),
        ("(a := 1)", "not run"),
        ("def f(): pass", "not run"),
        ("a = (", "cannot be read"),
        ("a = " + "[" * 80 + "]" * 80, "not run"),
        ("a = " + "[" * 5000, "cannot be read"),
        ("a = " + "-" * 100_000 + "1", "cannot be read|not run"),
        ("\0", "cannot be read"),
    ],
)
def test_anything_else_is_refused(text, words, tmp_path):
    (tmp_path / "config.py").write_text(text)
    with pytest.raises(UserError, match=words):
        read_dumped_config(tmp_path / "config.py")
