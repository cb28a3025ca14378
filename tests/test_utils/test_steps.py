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


@pytest.fixture(params=[(), ("json",)], ids=["cold", "warm"])
def steps(request, tmp_path, monkeypatch):
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "touch.py").write_text(TOOL)
    monkeypatch.setattr(module, "resource_root", lambda name: tmp_path / name)
    lines = []
    result = Steps(tmp_path / "logs", lines.append, preload=request.param)
    result.lines = lines
    return result


def test_a_step_runs_once_with_a_log(steps, tmp_path):
    done = tmp_path / "done"
    steps.run("first step", done, "touch", done, 3, options=["a=1"])
    assert done.read_text() == "3 --cfg-options a=1"
    assert "argv ['" in (tmp_path / "logs" / "first-step.log").read_text()
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


def test_two_at_a_time(steps, tmp_path):
    done = [tmp_path / f"done{i}" for i in range(3)]
    steps.run_two_at_a_time(
        lambda i=i: steps.run(f"step {i}", done[i], "touch", done[i], i)
        for i in range(3)
    )
    assert [path.read_text() for path in done] == ["0", "1", "2"]
    assert len(steps.seconds) == 3


def test_of_two_at_a_time_one_may_fail(steps, tmp_path):
    done = tmp_path / "done"
    with pytest.raises(UserError, match=r"'bad' failed: .*the folder is empty"):
        steps.run_two_at_a_time(
            [
                lambda: steps.run("bad", tmp_path / "bad", "touch", "--fail"),
                lambda: steps.run("good", done, "touch", done),
            ]
        )
    assert done.exists()


@pytest.mark.parametrize(
    ("cores", "limit", "threads"), [(1, "", 1), (2, "", 1), (6, "", 3), (6, "2", 2)]
)
def test_each_of_two_gets_half_of_the_cores(
    steps, tmp_path, monkeypatch, cores, limit, threads
):
    monkeypatch.setattr(module, "_AFFINITY", False)
    monkeypatch.setattr(module.os, "cpu_count", lambda: cores)
    steps.env["OMP_NUM_THREADS"] = limit
    (tmp_path / "tools" / "count.py").write_text(
        "import os, sys; from pathlib import Path\n"
        "threads = os.environ.get('OMP_NUM_THREADS')  # what torch will read\n"
        "if 'torch' in sys.modules:  # and has read\n"
        "    threads = sys.modules['torch'].get_num_threads()\n"
        "Path(sys.argv[1]).write_text(str(threads))\n"
    )
    done = tmp_path / "done"
    steps.run_two_at_a_time([lambda: steps.run("a step", done, "count", done)])
    assert done.read_text() == str(threads)
