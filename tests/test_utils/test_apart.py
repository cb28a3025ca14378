import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mmtaskssl.utils import apart

from . import _called

_CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2


@pytest.fixture(params=[False, True], ids=["cold", "warm"])
def call(request, tmp_path):
    warm = request.param and apart.start_server(["json"])

    def call(function, *arguments, **more):
        log = tmp_path / "log"
        status = apart.call_apart(function, arguments, {}, log, warm=warm, **more)
        return status, log.read_text()

    return call


def test_what_is_printed_goes_to_the_log(call):
    status, log = call(_called.speak)
    assert (status, sorted(log.splitlines())) == (0, ["a child", "a table", "warned"])


def test_workers_of_a_function_start_as_anywhere_else(call, tmp_path):
    code = "import multiprocessing; print(multiprocessing.get_start_method())"
    expected = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True
    ).stdout.strip()
    assert call(_called.start_worker, tmp_path / "x")[0] == 0
    assert (tmp_path / "x").read_text() == expected


def test_threads_can_be_limited(call, tmp_path):
    assert call(_called.torch_threads, tmp_path / "x", threads=1)[0] == 0
    assert (tmp_path / "x").read_text() == "1"


def test_the_environment_is_the_functions_own(tmp_path, monkeypatch):
    monkeypatch.delenv("A_NAME", raising=False)
    arguments = (tmp_path / "x", "A_NAME")
    log = tmp_path / "log"
    env = {"A_NAME": "here"}
    assert apart.call_apart(_called.environment, arguments, {}, log, env=env) == 0
    assert (tmp_path / "x").read_text() == "here"
    assert apart.call_apart(_called.environment, arguments, {}, log) == 0
    assert (tmp_path / "x").read_text() == "none"


def test_a_function_leaves_nothing_behind(call, tmp_path):
    assert call(_called.leave)[0] == 0
    assert call(_called.look, tmp_path / "x")[0] == 0
    assert (tmp_path / "x").read_text() == "False"


@pytest.mark.parametrize(
    ("function", "status", "words"),
    [
        (_called.refuse, 2, "error: the folder is empty\n"),
        (_called.fail, 1, "ValueError: why"),
        (_called.killed, -9, ""),
    ],
)
def test_failures_are_told(call, function, status, words):
    got, log = call(function)
    assert got == status
    assert words in log


def test_a_gpu_gets_a_process_of_its_own(tmp_path, monkeypatch):
    """CUDA cannot be used in a fork of a process that has asked for it."""
    code = (
        "import sys, mmtaskssl.utils.cuda_seen as seen\n"
        "from mmtaskssl.utils.apart import _call\n"
        "seen.CUDA_SEEN = True\n"
        "_call('tests.test_utils._called:threads', (sys.argv[1],), {}, sys.argv[2], 3,"
        " True)\n"
    )
    files = [str(tmp_path / "x"), str(tmp_path / "log")]
    subprocess.run([sys.executable, "-c", code, *files], check=True)
    # A fork would have had torch, with as many threads as there are cores.
    assert (tmp_path / "x").read_text() == "3"


def test_nothing_changes_here(call):
    before = multiprocessing.get_start_method(allow_none=True)
    call(_called.speak)
    assert multiprocessing.get_start_method(allow_none=True) == before


def test_an_interrupt_ends_what_is_waited_for(tmp_path):
    """Whoever began it, in whatever thread: it must write nothing afterwards."""
    script = (
        "import pathlib, signal, sys\n"
        # A shell's background job has it ignored, and so do its children.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from mmtaskssl.utils.steps import Steps\n"
        f"place = pathlib.Path({str(tmp_path)!r})\n"
        "steps = Steps(place / 'logs', print)\n"
        "def call(name):\n"
        "    steps.call(name, place / name, 'tests.test_utils._called:linger', "
        "str(place / name))\n"
        "steps.run_two_at_a_time([lambda n=n: call(n) for n in ('a', 'b', 'c')])\n"
    )
    root = Path(__file__).parents[2]
    env = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", script]
    process = subprocess.Popen(command, env=env, cwd=root, start_new_session=True)
    began = [tmp_path / f"{name}.began" for name in "ab"]
    end = time.monotonic() + 120
    while not all(one.exists() for one in began[: 2 if _CORES > 1 else 1]):
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)  # to it alone, as a scheduler does
    assert process.wait(60) != 0
    assert not [*tmp_path.glob("*.ended")] and not (tmp_path / "c.began").exists()
    pids = [int(one.read_text()) for one in tmp_path.glob("*.began")]
    assert pids and not any(Path(f"/proc/{pid}").exists() for pid in pids)


@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
def test_what_is_only_being_started_is_ended_too(tmp_path, monkeypatch, warm):
    warm = warm and apart.start_server(["json"])
    kind = multiprocessing.get_context("forkserver" if warm else "spawn").Process
    start, starting, go = kind.start, threading.Event(), threading.Event()

    def slow(self):
        starting.set()
        go.wait()
        start(self)

    monkeypatch.setattr(kind, "start", slow)
    call = (_called.linger, [str(tmp_path / "x")], {}, tmp_path / "log")
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(apart.call_apart, *call, warm=warm)
        assert starting.wait(60)
        apart.end_all()
        go.set()
        assert result.result(60) != 0
    assert not (tmp_path / "x.ended").exists()
    # The next call is another one.
    monkeypatch.undo()
    call = (_called.touch, [tmp_path / "y"], {}, tmp_path / "log")
    assert apart.call_apart(*call, warm=warm) == 0 and (tmp_path / "y").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="there is no server elsewhere")
def test_an_interrupt_while_the_server_imports_is_not_its_own(tmp_path):
    (tmp_path / "slowly.py").write_text("import time; time.sleep(2)")
    code = (
        f"import sys, time; sys.path.insert(0, {str(tmp_path)!r}); "
        "from mmtaskssl.utils import apart; "
        "apart.start_server(['slowly']); print('on', flush=True); time.sleep(30)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout.readline() == "on\n"
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert "slowly" not in told and told.count("Traceback") == 1  # that of the code
