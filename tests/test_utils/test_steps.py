import pytest

from mmtaskssl.utils import steps as module
from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.steps import Steps

TOOL = """
import sys
from pathlib import Path
print("argv", sys.argv[1:])
if "--fail" in sys.argv:
    print("error: the folder is empty", file=sys.stderr)
    sys.exit(2)
Path(sys.argv[1]).write_text(" ".join(sys.argv[2:]))
"""


@pytest.fixture
def steps(tmp_path, monkeypatch):
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "touch.py").write_text(TOOL)
    monkeypatch.setattr(module, "resource_root", lambda name: tmp_path / name)
    lines = []
    result = Steps(tmp_path / "logs", lines.append)
    result.lines = lines
    return result


def test_a_step_runs_once_with_a_log(steps, tmp_path):
    done = tmp_path / "done"
    steps.run("first step", done, "touch", done, 3, options=["a=1"])
    assert done.read_text() == "3 --cfg-options a=1"
    assert "argv" in (tmp_path / "logs" / "first-step.log").read_text()
    done.write_text("by hand")
    steps.run("first step", done, "touch", done, 4)
    assert done.read_text() == "by hand"
    assert steps.lines[-1] == "first step: done before"


def test_a_test_can_stand_for_the_file(steps, tmp_path):
    done = tmp_path / "done"
    steps.run("a", lambda: done.exists(), "touch", done)
    assert done.exists()


def test_a_failure_repeats_the_tools_own_sentence(steps, tmp_path):
    words = r"'bad' failed: tools/touch.py: the folder is empty \(log: "
    with pytest.raises(UserError, match=words):
        steps.run("bad", tmp_path / "done", "touch", "--fail")


def test_a_tool_that_leaves_nothing_has_failed(steps, tmp_path):
    with pytest.raises(UserError, match="'odd' failed"):
        steps.run("odd", tmp_path / "done", "touch", tmp_path / "elsewhere")
