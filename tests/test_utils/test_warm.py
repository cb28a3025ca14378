import json
import subprocess
import sys

import pytest

from mmtaskssl.utils import warm

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="tools are started anew elsewhere"
)


@pytest.fixture
def run(tmp_path):
    assert warm.start_server(["json"])
    number = iter(range(9))

    def run(text, *arguments, threads=None):
        script = tmp_path / f"script{next(number)}.py"
        script.write_text(text)
        log = tmp_path / f"{script.stem}.log"
        return warm.run_warm(script, arguments, log, threads), log.read_text()

    return run


def test_a_script_runs_as_if_started_anew(run, tmp_path):
    status, log = run(
        "import json, os, sys\n"
        "print(json.dumps([__name__, sys.argv, sys.path[0], __file__]))\n"
        "print('warned', file=sys.stderr)\n"
        "os.system('echo a child')\n",
        "--x",
        "1",
    )
    script = str(tmp_path / "script0.py")
    first, *others = sorted(log.splitlines())
    assert json.loads(first) == [
        "__main__",
        [script, "--x", "1"],
        str(tmp_path),
        script,
    ]
    assert (status, others) == (0, ["a child", "warned"])


def test_workers_of_a_script_start_as_anywhere_else(run):
    text = (
        "import multiprocessing\n"
        "print(multiprocessing.get_start_method())\n"
        "process = multiprocessing.Process(target=print, args=('working',))\n"
        "process.start(); process.join()\n"
    )
    expected = subprocess.run(
        [sys.executable, "-c", text.splitlines()[0] + "\n" + text.splitlines()[1]],
        capture_output=True,
        text=True,
    ).stdout
    assert run(text) == (0, expected + "working\n")


def test_threads_can_be_limited(run):
    text = "import torch; print(torch.get_num_threads())"
    assert run(text, threads=1) == (0, "1\n")
    assert run(text, threads=3) == (0, "3\n")


def test_a_script_leaves_nothing_behind(run):
    assert run("import json; json.left = 1") == (0, "")
    assert run("import json; print(hasattr(json, 'left'))") == (0, "False\n")


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        ("import sys; sys.exit(3)", 3, ""),
        ("raise ValueError('why')", 1, "ValueError: why"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -9, ""),
    ],
)
def test_failures_are_told(run, text, status, words):
    got, log = run(text)
    assert got == status
    assert words in log


def test_a_gpu_gets_a_process_of_its_own(tmp_path):
    """CUDA cannot be used in a fork of a process that has asked for it."""
    script, log = tmp_path / "script.py", tmp_path / "log"
    script.write_text(
        "import os, sys\n"
        "print(sys.argv[1:], 'torch' in sys.modules, os.environ['OMP_NUM_THREADS'])"
    )
    code = (
        "import sys, pathlib, mmtaskssl.utils.cuda_seen as seen\n"
        "from mmtaskssl.utils.warm import _run\n"
        "seen.CUDA_SEEN = True\n"
        f"_run({str(script)!r}, ['--x'], pathlib.Path({str(log)!r}), 3)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert log.read_text() == "['--x'] False 3\n"
