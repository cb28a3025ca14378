"""What a wheel and a source archive must hold, and the Pythons that try them."""

import re
import sys
from pathlib import Path

import pytest

import release_archives as archives
import release_commands as commands
import release_pythons as pythons
from release_rows import FAILED, NOT_RUN, OK, Row, run
from tests.test_tools._tools import load_tool

TRACKED = {
    *("mmtaskssl/__init__.py", "mmtaskssl/report/style.css", "configs/a/b.py"),
    *("tools/train.py", "tools/release/release_check.py", "model-index.yml"),
    *("tools/benchmarks/speed_step.py", "tools/benchmarks/studies/x.py", "tests/t.py"),
}
INFO = "mmtaskssl-0.1.0.dist-info"
WHEEL = {
    *("mmtaskssl/__init__.py", "mmtaskssl/report/style.css"),
    *("mmtaskssl/.mim/configs/a/b.py", "mmtaskssl/.mim/tools/train.py"),
    *("mmtaskssl/.mim/model-index.yml", f"{INFO}/METADATA", f"{INFO}/licenses/LICENSE"),
}


def test_a_wheel_that_holds_what_it_should():
    assert archives.wheel_faults(WHEEL, TRACKED) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"tests/t.py"}, "tests/t.py does not belong there"),
        ({"mmtaskssl/secret.py"}, "mmtaskssl/secret.py is in no commit"),
        ({"mmtaskssl/.mim/tools/benchmarks/studies/x.py"}, "x.py is not for users"),
        ({"mmtaskssl/.mim/tools/benchmarks/speed_step.py"}, "step.py is not for users"),
        ({"mmtaskssl/.mim/tools/release/release_check.py"}, "is not for users"),
        ({"mmtaskssl/.mim/configs/a/b.py"}, "configs/a/b.py is missing"),
        ({"mmtaskssl/report/style.css"}, "style.css is missing"),
        ({"mmtaskssl/.mim/tools/train.py"}, "tools/train.py is missing"),
        ({f"{INFO}/licenses/LICENSE"}, "LICENSE is missing"),
    ],
)
def test_what_is_missing_or_too_much(change, fault):
    (found,) = archives.wheel_faults(WHEEL ^ change, TRACKED)
    assert fault in found


def test_data_is_no_part_of_a_wheel():
    name = "mmtaskssl/weights/small.pth"
    (found,) = archives.wheel_faults(WHEEL | {name}, TRACKED | {name})
    assert found == f"{name} is not for users"


def test_sources_are_what_is_committed():
    tracked = TRACKED | {"LICENSE", ".gitignore"}
    packed = tracked - {".gitignore"} | {"PKG-INFO"}
    assert archives.sources_faults(packed, tracked) == []
    less = packed - {"LICENSE"} | {"work_dirs/a"}
    assert archives.sources_faults(less, tracked) == [
        "work_dirs/a is in no commit",
        "LICENSE is missing",
    ]
    for folder in ("configs/", "tools/", "tests/"):  # of what is to be included
        less = {name for name in packed if not name.startswith(folder)}
        faults = archives.sources_faults(less, tracked)
        assert faults == [f"{name} is missing" for name in sorted(packed - less)]
        assert faults


def test_where_there_is_no_repository_nothing_is_built(tmp_path):
    (found,), wheel = archives.build(tmp_path, tmp_path)
    assert found.state == FAILED and "not a git repository" in found.note
    assert wheel is None


def test_a_program_that_is_not_there_or_takes_too_long_has_a_status(tmp_path):
    status, said = run([tmp_path / "nothing"])
    assert status == 127 and "does not start (No such file" in said
    status, said = run(["sleep", "5"], timeout=0.05)
    assert status == 124 and "more than 0.05 s" in said


def test_the_versions_that_it_is_for():
    assert pythons.wanted_versions(">=3.10,<3.14") == ["3.10", "3.11", "3.12", "3.13"]
    with pytest.raises(ValueError, match="LOW"):
        pythons.wanted_versions(">=3.10")


def _interpreter(path, says, status=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\nexit {status}\n")
    path.chmod(0o755)
    return path


def test_interpreters_are_asked_and_the_first_of_a_version_is_taken(tmp_path):
    path = _interpreter(tmp_path / "bin" / "python3.11", "3.11")
    kept = tmp_path / "home" / ".pyenv" / "versions"
    _interpreter(kept / "3.11.1" / "bin" / "python", "3.11")
    new = _interpreter(kept / "3.12.1" / "bin" / "python", "3.12")
    _interpreter(kept / "3.13.0" / "bin" / "python", "3.13", status=1)
    _interpreter(kept / "3.9.1" / "bin" / "python", "3.9")
    (kept / "broken" / "bin").mkdir(parents=True)
    (kept / "broken" / "bin" / "python").write_text("")
    environ = {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path / "home")}
    wanted = ["3.11", "3.12", "3.13"]
    candidates = pythons.places(wanted, environ)
    assert candidates[0] == path and len(candidates) == 6
    assert pythons.find(candidates, wanted) == {"3.11": path, "3.12": new}


def test_a_python_that_is_not_here_is_not_run(tmp_path):
    wheel = tmp_path / "mmtaskssl-0.1.0-py3-none-any.whl"
    pip = _interpreter(tmp_path / "pip", "fine")
    found = pythons.resolve_row("3.13", None, pip, wheel)
    assert found.state == NOT_RUN and "resolve" in found.note
    assert pythons.resolve_row("3.13", pip, pip, wheel).state == OK
    pip = _interpreter(tmp_path / "pip", "ERROR: no match", status=1)
    found = pythons.resolve_row("3.13", None, pip, wheel)
    assert (found.state, found.note) == (FAILED, "ERROR: no match")


def test_a_wheel_is_tried_in_an_environment_of_its_own(tmp_path, monkeypatch):
    """Each command is asked for its words; the first that lacks them fails it."""
    said = []
    monkeypatch.setattr(
        pythons, "run", lambda words, *rest: said.append(words) or answer
    )
    wheel = tmp_path / "mmtaskssl-0.1.0-py3-none-any.whl"

    def tried(light=()):
        said.clear()
        return pythons.install_row("3.12", Path("py"), wheel, tmp_path / "env", light)

    answer = (1, "no venv")
    assert tried().note == "no environment: no venv"
    answer = (0, "nothing")
    assert tried().state == FAILED and "import mmtaskssl" in tried().note
    words = "site-packages 0.1.0 customize --budget pip install _shtab_mmtaskssl"
    answers = iter([(0, "")] * 3 + [(0, words)] * 4 + [(1, words), (0, words)])
    monkeypatch.setattr(pythons, "run", lambda words, *rest: next(answers))
    found = tried(["shtab"])
    assert (found.state, found.note) == (OK, "6 commands, without the dependencies")


def test_the_status_is_that_of_the_worst(repo_root, capsys, monkeypatch):
    tool = load_tool("release/release_check")
    monkeypatch.setattr(tool, "state_rows", lambda root: [])
    monkeypatch.setattr(tool, "start_row", lambda root: Row("start", OK))
    monkeypatch.setattr(tool, "page_faults", lambda *given: [])
    monkeypatch.setattr(tool.platform, "system", lambda: "Linux")
    assert tool.main(["--no-build"]) == 0
    said = capsys.readouterr().out
    assert said.endswith("3 ok, 0 failed, 2 not run\n")  # the quickstart, and macOS
    assert re.search(r"^system: macOS +not run  this is Linux$", said, re.M)
    monkeypatch.setattr(tool, "_LICENCES", "docs/nowhere.md")
    assert tool.main(["--no-build"]) == 1
    assert "FileNotFoundError" in capsys.readouterr().out


def test_what_is_not_looked_at_is_said(repo_root, monkeypatch, tmp_path):
    """Also where every Python is here: their dependencies were never resolved."""
    tool = load_tool("release/release_check")
    wheel, here = tmp_path / "mmtaskssl-0.1.0-py3-none-any.whl", Path("py")
    monkeypatch.setattr(tool, "build", lambda root, out: ([], wheel))
    monkeypatch.setattr(tool, "find", lambda *given: dict.fromkeys(given[1], here))
    monkeypatch.setattr(tool, "install_row", lambda *given: Row("install", OK))
    rows = tool._built(repo_root, [], True, False)
    unrun = [one for one in rows if one.state == NOT_RUN]
    assert len(unrun) == 5 and unrun[-1].name == "mim"
    assert {one.note for one in unrun} == {"needs a package index"}
    monkeypatch.setattr(tool, "mim_row", lambda *given: Row("mim", OK))
    rows = tool._built(repo_root, [], False, False)
    assert [one.note for one in rows if one.state == NOT_RUN] == [
        "gigabytes: --resolve asks for them"
    ] * 4


def test_the_quickstart_has_to_start(repo_root, tmp_path):
    (tmp_path / "tools").mkdir()
    makefile = (repo_root / "Makefile").read_text()
    script = tmp_path / "tools" / "quickstart.py"
    (tmp_path / "Makefile").write_text(makefile)
    script.write_text("print('--out --images --target')")
    assert commands.start_row(tmp_path).state == OK
    for text, fault in (
        ("print('--out --pool --target')", "tools/quickstart.py has no --images"),
        ("import nothing_of_this_name", "No module named 'nothing_of_this_name'"),
    ):
        script.write_text(text)
        found = commands.start_row(tmp_path)
        assert found.state == FAILED and fault in found.note
    (tmp_path / "Makefile").write_text(makefile.replace("quickstart: env", "q: env"))
    assert commands.start_row(tmp_path).state == FAILED


def test_the_quickstart_is_run_where_it_is_asked_for(tmp_path, monkeypatch):
    assert commands.quickstart_row(tmp_path, tmp_path, False).state == NOT_RUN
    monkeypatch.setattr(commands, "run", lambda *given: (2, "error: no images"))
    found = commands.quickstart_row(tmp_path, tmp_path, True)
    assert (found.state, found.note) == (FAILED, "status 2, error: no images")
    monkeypatch.setattr(commands, "run", lambda *given: (0, "done"))
    assert commands.quickstart_row(tmp_path, tmp_path, True).state == FAILED
    (tmp_path / "customized").mkdir()
    (tmp_path / "customized" / "report.html").touch()
    assert commands.quickstart_row(tmp_path, tmp_path, True).state == OK


def test_mim_has_to_list_every_config(tmp_path, monkeypatch):
    (tmp_path / "model-index.yml").write_text("Import:\n  - a.yml\n")
    models = "Models:\n  - Name: a\n    Config: configs/x/a.py\n"
    (tmp_path / "a.yml").write_text(models + "  - Name: b\n    Config: configs/b.py\n")

    def asked(*answers):
        left = iter(answers)
        monkeypatch.setattr(commands, "run", lambda *given: next(left))
        found = commands.mim_row(tmp_path, Path("py"), Path("w"), tmp_path, True)
        return found.state, found.note

    made = [(0, "")] * 3
    whole = "config id: a\nmodel x\nconfig id: b\n"
    assert asked(*made, (0, whole)) == (OK, "it lists 2 configs")
    part = (FAILED, "mim search: it lists 1 of 2 configs")
    assert asked(*made, (0, "config id: a\n")) == part
    assert asked(*made, (1, "error: none"))[0] == FAILED
    assert asked((0, ""), (1, "error: no index")) == (
        FAILED,
        "not installed: error: no index",
    )
    row = commands.mim_row(tmp_path, Path("py"), Path("w"), tmp_path, False)
    assert row.state == NOT_RUN


def test_the_page_of_licences_is_written_whole(repo_root, tmp_path):
    tool = load_tool("release/release_check")
    assert tool.main(["--licences", str(tmp_path / "page.md")]) == 0
    text = (tmp_path / "page.md").read_text()
    assert text.startswith("# Licences\n") and "| `torch` |" in text


def test_this_python_is_found(repo_root):
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert pythons.find([Path(sys.executable)], [version]) == {
        version: Path(sys.executable)
    }
