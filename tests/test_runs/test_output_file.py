"""Every file that is written for the user is guarded in one way."""

import ast

import pytest

from mmtaskssl.runs import OutputFile, locked
from mmtaskssl.utils.errors import UserError


def _write(file, text, **options):
    with file.written(**options) as temporary:
        temporary.write_text(text)


def test_a_file_of_anybodys_is_replaced_on_demand_only(tmp_path):
    file = OutputFile(tmp_path / "plot.png")
    file.check()
    _write(file, "one")
    for work in (file.check, lambda: _write(file, "two")):
        with pytest.raises(UserError, match=r"plot\.png exists.*`overwrite`"):
            work()
    assert file.path.read_text() == "one"
    _write(file, "two", overwrite=True)
    assert file.path.read_text() == "two"
    assert [path.name for path in tmp_path.iterdir()] == ["plot.png"]


def test_an_earlier_one_of_its_kind_gives_way_and_nothing_else(tmp_path):
    def objection(path):
        return "" if path.read_text().startswith("tally") else "it is prose"

    file = OutputFile(tmp_path / "t.txt", "a tally", objection)
    _write(file, "tally 1")
    _write(file, "tally 2")
    file.path.write_text("mine")
    with pytest.raises(UserError, match=r"is not a tally \(it is prose\)"):
        _write(file, "tally 3", overwrite=True)
    assert file.path.read_text() == "mine"


def test_a_folder_and_a_second_writer_are_refused(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match="is a folder: name a file"):
        OutputFile(tmp_path / "folder").check(overwrite=True)
    file = OutputFile(tmp_path / "f")
    with locked(file.path), pytest.raises(UserError, match="another process"):
        _write(file, "x")


def test_what_fails_leaves_what_was_there(tmp_path):
    file = OutputFile(tmp_path / "f")
    _write(file, "one")
    with (
        pytest.raises(UserError, match="No space left on device"),
        file.written(overwrite=True),
    ):
        raise OSError(28, "No space left on device")
    assert file.path.read_text() == "one"


def test_no_module_guards_a_file_in_its_own_way(repo_root):
    """The words of a refusal stand where files and folders are guarded."""
    package = repo_root / "mmtaskssl"
    found = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = getattr(node, "value", None)
            if isinstance(text, str) and "not replaced" in text:
                found.add(str(path.relative_to(package)))
    # A calibrated checkpoint says of which weights and images it is, and a store under
    # an address is no folder.
    apart = {"export/calibrated.py", "features/bucket/replacing.py"}
    assert found == {"runs/output_file.py", "runs/work.py", *apart}
