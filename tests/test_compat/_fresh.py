"""Runs code in a fresh interpreter: what is imported there is under our control."""

import os
import subprocess
import sys
import textwrap


def run_python(code, cwd=None):
    """Returns the finished process; its output is text."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def output_of(code, cwd=None):
    """Returns what the code printed; fails with its traceback."""
    done = run_python(code, cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
