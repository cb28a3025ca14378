import ast
from pathlib import Path

import pytest
import torch

from mmtaskssl.cli import options as flags
from mmtaskssl.utils.devices import AUTO, pick_device
from mmtaskssl.utils.errors import UserError

_ROOT = Path(__file__).resolve().parents[2]
_SOURCES = [*(_ROOT / "mmtaskssl").rglob("*.py"), *(_ROOT / "tools").rglob("*.py")]
_DOOR = "mmtaskssl/cli/options.py"
_ON_THE_CPU = {
    # They serve code that goes on in NumPy.
    ("stream.py", "iter_blocks"),
    ("toprows.py", "__init__"),
    # A file's own devices are kept for parts that a caller asks for.
    ("reading.py", "read_part"),
    # What they are asked about, or pretend to be.
    ("number_formats.py", "has_native_bfloat16"),
    ("dispatch.py", "__init__"),
    ("fake_cuda.py", "fake_cuda"),
    ("fake_tensors.py", "to_fake"),
    ("clock.py", "__init__"),
    ("fake_cuda.py", "fake_like"),
}


def test_auto_takes_the_gpu_where_there_is_one(monkeypatch):
    assert pick_device() == pick_device(AUTO) == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device() == torch.device("cuda")
    assert pick_device("cpu") == pick_device(torch.device("cpu")) == torch.device("cpu")


@pytest.mark.parametrize("name", ["toaster", "cuda:99", ""])
def test_another_device_is_named(name):
    with pytest.raises(UserError, match="cannot be used"):
        pick_device(name)


def test_the_option_is_auto_by_default():
    parser = flags.make_parser("")
    flags.add_device(parser, "of timing")
    assert parser.parse_args([]).device == AUTO
    assert "of timing, auto" in " ".join(parser.format_help().split())


def test_unmarked_tests_see_no_gpu():
    assert not torch.cuda.is_available()


def test_no_tool_and_no_function_has_a_default_device_of_its_own():
    options, defaults = [], []
    for path in _SOURCES:
        name = path.relative_to(_ROOT).as_posix()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if _is_option(node) and name != _DOOR:
                options.append(name)
            for owner in _fixed_devices(node):
                if (path.name, owner) not in _ON_THE_CPU:
                    defaults.append((name, owner))
    assert (options, defaults) == ([], [])


def _is_option(node):
    return (
        isinstance(node, ast.Call)
        and any(getattr(a, "value", "") == "--device" for a in node.args)
        and getattr(node.func, "attr", "") == "add_argument"
    )


def _fixed_devices(node):
    """Yields functions and classes with `device="cpu"` or the like."""
    if isinstance(node, ast.FunctionDef):
        spec = node.args
        places = [*spec.posonlyargs, *spec.args]
        values = [None] * (len(places) - len(spec.defaults)) + spec.defaults
        pairs = [*zip(places, values, strict=True)]
        pairs += zip(spec.kwonlyargs, spec.kw_defaults, strict=True)
        pairs = [(arg.arg, value) for arg, value in pairs]
    elif isinstance(node, ast.ClassDef):
        pairs = [
            (part.target.id, part.value)
            for part in node.body
            if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
        ]
    else:
        return
    for name, value in pairs:
        if name == "device" and isinstance(value, ast.Constant) and value.value:
            yield node.name


def test_the_walk_finds_what_it_looks_for():
    tree = ast.parse(
        "def f(x, device='cpu'): parser.add_argument('--device', default='cpu')\n"
        "def g(*, device: str = 'cuda'): ...\n"
        "class C:\n    device: str = 'cpu'\n"
        "def h(device, other='cpu'): ...\n"
    )
    found = [owner for node in ast.walk(tree) for owner in _fixed_devices(node)]
    assert sorted(found) == ["C", "f", "g"]
    assert sum(map(_is_option, ast.walk(tree))) == 1
