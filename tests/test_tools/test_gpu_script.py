"""tools/test_gpu.sh, with stand-ins for what it calls."""

import os
import subprocess

import pytest

from mmtaskssl.utils.paths import resource_root

_SCRIPT = resource_root("tools") / "test_gpu.sh"


def _stand_in(path, body):
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def world(tmp_path):
    """A folder of programs that write down how they were called."""
    log = tmp_path / "log"
    say = f'echo "$(basename "$0") $* PYTHONPATH=$PYTHONPATH" >> {log}'
    _stand_in(tmp_path / "py", f'{say}\n[ "$1" != -c ] || exit ${{CUDA:-0}}')
    _stand_in(tmp_path / "make", f"{say}\necho {tmp_path / 'py'}")
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "a-1-py3-none-any.whl").touch()
    return tmp_path


def _run(world, *arguments, **variables):
    done = subprocess.run(
        [_SCRIPT, *map(str, arguments)],
        env={"PATH": f"{world}:{os.environ['PATH']}", "PYTHON": str(world / "py")}
        | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    log = world / "log"
    return done, log.read_text().splitlines() if log.exists() else []


def test_sets_up_and_runs_the_marked_tests(world):
    done, calls = _run(world, "-k", "run")
    assert done.returncode == 0, done.stderr
    env, python, cuda, tests = calls
    assert env.startswith("make -s env") and "EXTRAS=gpu," in env
    assert python.startswith("make -s print-python") and "EXTRAS=gpu," in python
    assert "torch.cuda.is_available" in cuda
    assert tests.startswith("py -m pytest -m gpu") and " -k run " in tests


def test_wheels_need_no_network(world):
    done, calls = _run(world, "--wheels", world / "wheels", "-x")
    assert done.returncode == 0, done.stderr
    install, _, tests = calls
    assert install.startswith("py -m pip install") and "--no-index" in install
    assert "a-1-py3-none-any.whl" in install
    site = install.split("--target ")[1].split()[0]
    assert f"PYTHONPATH={site}:{_SCRIPT.parents[1]}" in tests and " -x " in tests
    assert not os.path.exists(site)


def test_no_device_and_no_wheels_are_said(world):
    done, calls = _run(world, CUDA="1")
    assert done.returncode == 2 and "no CUDA device" in done.stderr
    assert not any("-m pytest" in call for call in calls)
    (world / "wheels" / "a-1-py3-none-any.whl").unlink()
    done, _ = _run(world, "--wheels", world / "wheels")
    assert done.returncode == 2 and "holds no wheels" in done.stderr
