import sys

import pytest

from mmtaskssl.config import load_config
from mmtaskssl.utils.errors import UserError


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A config's folder, and another one that is the working directory."""
    for name in ("configs", "here"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = {*sys.modules}
    yield tmp_path
    for name in {*sys.modules} - before:
        if name.startswith("own_"):
            del sys.modules[name]


def write(place, imports, **more):
    path = place / "configs" / "x.py"
    found = {"imports": imports, **more}
    path.write_text(f"custom_imports = {found!r}\nmodel = dict(type='A')\n")
    return path


@pytest.mark.parametrize("folder", ["configs", "here"])
def test_a_module_beside_the_config_or_here_is_found(place, folder):
    (place / folder / "own_a.py").write_text("import own_b\n")
    (place / folder / "own_b.py").write_text("VALUE = 7\n")
    (place / folder / "own_c").mkdir()
    (place / folder / "own_c" / "d.py").write_text("")
    load_config(write(place, ["own_a", "own_c.d"]))
    assert sys.modules["own_a"].own_b.VALUE == 7 and "own_c.d" in sys.modules
    assert sys.path.count(str(place / folder)) == 1
    assert sys.path[-1] == str(place / folder)  # behind all that is installed


def test_nothing_is_searched_that_need_not_be(place):
    before = list(sys.path)
    (place / "here" / "json.py").write_text("raise ValueError\n")
    load_config(write(place, "json"))
    assert sys.path == before


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("own_absent", r"names own_absent, which cannot be imported \(No module"),
        (
            "own_broken",
            r"own_broken, which cannot be .*named 'own_x",
        ),
        ("./own_a.py", r"names '\./own_a\.py', which is no module: write its name"),
        (".own_a", "which is no module"),
    ],
)
def test_what_cannot_be_is_one_sentence(place, name, words):
    (place / "configs" / "own_broken.py").write_text("import own_x\n")
    path = write(place, [name])
    with pytest.raises(UserError, match=rf"^config \S+x\.py: custom_imports .*{words}"):
        load_config(path)


def test_one_may_be_allowed_to_fail(place):
    path = write(place, ["own_absent"], allow_failed_imports=True)
    with pytest.warns(UserWarning, match="own_absent cannot be imported"):
        assert load_config(path).model.type == "A"
