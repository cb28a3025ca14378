import os
import signal
import subprocess
import sys

import pytest

# What a shell starts in the background ignores interrupts, and so would these.
#
# Interrupted while workers are being started: in the callbacks of a fork Python has
# nowhere to raise.
_FORKING = """
import multiprocessing, os, signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from mmtaskssl.utils.errors import run_tool

def main(argv):
    os.register_at_fork(before=lambda: signal.raise_signal(signal.SIGINT))
    context = multiprocessing.get_context("fork")
    for _ in range(2):
        context.Process(target=time.sleep, args=(99,), daemon=True).start()
    time.sleep(99)

run_tool(main)
"""
_WORKING = """
import multiprocessing, os, signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from mmtaskssl.utils.errors import run_tool

def work(started):
    started.set()
    time.sleep(99)

def main(argv):
    context = multiprocessing.get_context("fork")
    started = context.Event()
    worker = context.Process(target=work, args=(started,), daemon=True)
    worker.start()
    started.wait()
    os.killpg(0, signal.SIGINT)
    time.sleep(99)

run_tool(main)
"""

# Terminated while it waits for a process of its own, which would work on.
_TERMINATED = """
import os, signal, sys, threading, time
from pathlib import Path
from mmtaskssl.utils.apart import call_apart
from mmtaskssl.utils.errors import run_tool

def main(argv):
    place = Path(sys.argv[1])
    def terminate():
        while not Path(f"{place}.began").is_file():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)
    threading.Thread(target=terminate, daemon=True).start()
    call_apart("tests.test_utils._called:linger", (str(place),), {}, place)

run_tool(main)
"""


def _run(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        start_new_session=True,
    )


def test_an_interrupt_while_workers_start_ends_a_tool():
    ran = _run(_FORKING)
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "error: interrupted\n")


def test_workers_leave_an_interrupt_to_the_tool():
    ran = _run(_WORKING)
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "error: interrupted\n")


def test_a_sigterm_ends_a_tool_and_what_it_has_started(tmp_path):
    ran = _run(_TERMINATED, str(tmp_path / "a"))
    assert (ran.returncode, ran.stderr) == (143, "error: interrupted\n")
    pid = int((tmp_path / "a.began").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_program_that_is_no_tool_keeps_its_signals():
    handler = signal.getsignal(signal.SIGINT)
    import mmtaskssl.utils.interrupts  # noqa: F401

    assert signal.getsignal(signal.SIGINT) is handler
