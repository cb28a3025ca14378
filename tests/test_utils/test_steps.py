import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmtaskssl import __version__
from mmtaskssl.utils import steps as module
from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.steps import Steps

from . import _called


@pytest.fixture(params=[(), ("json",)], ids=["cold", "warm"])
def steps(request, tmp_path):
    lines = []
    result = Steps(tmp_path / "logs", lines.append, preload=request.param)
    result.lines = lines
    return result


def test_a_step_runs_once_with_a_log(steps, tmp_path):
    done = tmp_path / "done"
    steps.call("first step", done, _called.touch, done, text=3)
    assert done.read_text() == "3"
    assert "touching /" in (tmp_path / "logs" / "first-step.log").read_text()
    done.write_text("by hand")
    steps.call("first step", done, _called.touch, done, 4)
    assert done.read_text() == "by hand"
    assert steps.lines[-1] == "first step: done before"


def test_a_test_can_stand_for_the_file(steps, tmp_path):
    done = tmp_path / "done"
    steps.call("a", lambda: done.exists(), _called.touch, done)
    assert done.exists()


def test_a_failure_repeats_the_functions_own_sentence(steps, tmp_path):
    with pytest.raises(UserError, match=r"'bad' failed: the folder is empty \(log: "):
        steps.call("bad", tmp_path / "done", _called.refuse)
    with pytest.raises(UserError, match=r"'bad' failed: ValueError: why"):
        steps.call("bad", tmp_path / "done", _called.fail)


def test_a_step_that_leaves_nothing_has_failed(steps, tmp_path):
    with pytest.raises(UserError, match="'odd' failed"):
        steps.call("odd", tmp_path / "done", _called.touch, tmp_path / "elsewhere")


def test_two_at_a_time(steps, tmp_path):
    done = [tmp_path / f"done{i}" for i in range(3)]
    steps.run_two_at_a_time(
        lambda i=i: steps.call(f"step {i}", done[i], _called.touch, done[i], i)
        for i in range(3)
    )
    assert [path.read_text() for path in done] == ["0", "1", "2"]
    assert len(steps.seconds) == 3


def test_of_two_at_a_time_one_may_fail(steps, tmp_path):
    done = tmp_path / "done"
    with pytest.raises(UserError, match=r"'bad' failed: .*the folder is empty"):
        steps.run_two_at_a_time(
            [
                lambda: steps.call("bad", tmp_path / "bad", _called.refuse),
                lambda: steps.call("good", done, _called.touch, done),
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
    done = tmp_path / "done"
    steps.run_two_at_a_time([lambda: steps.call("a step", done, _called.threads, done)])
    assert done.read_text() == str(threads)


def test_a_command_line_is_called_too(steps, tmp_path):
    log = tmp_path / "logs" / "the-version.log"
    steps.run("the version", log.is_file, "--version")
    assert log.read_text().strip() == __version__


def test_a_script_without_a_guard_runs_once(tmp_path):
    """The step's process does not import the script that asked for it."""
    script = tmp_path / "script.py"
    script.write_text(
        "import pathlib, sys\n"
        "from mmtaskssl.utils.steps import Steps\n"
        f"place = pathlib.Path({str(tmp_path)!r})\n"
        "with open(place / 'ran', 'a') as file: file.write('x')\n"
        "for name, warm in (('cold', ()), ('warm', ('json',))):\n"
        "    steps = Steps(place / 'logs', print, preload=warm)\n"
        "    steps.call(name, place / name, 'tests.test_utils._called:touch', "
        "place / name)\n"
    )
    root = Path(__file__).parents[2]
    env = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run([sys.executable, script], env=env, cwd=root, check=False)
    assert done.returncode == 0 and (tmp_path / "ran").read_text() == "x"
    assert (tmp_path / "cold").is_file() and (tmp_path / "warm").is_file()


def test_a_process_that_did_not_begin_has_a_sentence(tmp_path):
    error = module.failure("it failed", tmp_path / "none.log", named=False)
    assert str(error) == "it failed: its process did not begin"
    assert error.code == "step-failed"


@pytest.mark.parametrize(
    ("log", "said", "code"),
    [
        ("a\nerror: no such file [file-missing]\n", "no such file", "file-missing"),
        ("error: of [two] words\nat the end", "of [two] words", "step-failed"),
        ("error: of a host [of-a-host]", "of a host [of-a-host]", "step-failed"),
        ("Killed", "Killed", "step-failed"),
        ("", "it wrote nothing", "step-failed"),
    ],
)
def test_an_error_keeps_its_code_through_a_process(tmp_path, log, said, code):
    (tmp_path / "x.log").write_text(log)
    error = module.failure("step 'x' failed", tmp_path / "x.log")
    assert str(error) == f"step 'x' failed: {said} (log: {tmp_path / 'x.log'})"
    assert error.code == code
