"""What the Makefile hands on: a folder's name may hold blanks and quotes."""

import shutil
import subprocess

import pytest

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="needs make")


@pytest.fixture
def make(repo_root, tmp_path):
    """Runs make on a copy whose interpreter and scripts say what they are given."""
    if not (repo_root / "Makefile").is_file():
        pytest.skip("needs a checkout")
    shutil.copy(repo_root / "Makefile", tmp_path)
    (tmp_path / "pyproject.toml").write_text("[project.scripts]\n")
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".ci" / "constraints.txt").write_text("")
    teller = tmp_path / "teller"
    teller.write_text('#!/bin/sh\nprintf "<%s>" "$@"\n')
    teller.chmod(0o755)
    tools = tmp_path / "tools"
    tools.mkdir()
    shutil.copy(teller, tools / "test_gpu.sh")

    def run(goal, *variables):
        return subprocess.run(
            ["make", "-s", goal, "-o", "env", f"PY={teller}", *variables],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )

    return run


def test_a_path_with_blanks_and_quotes_is_one_argument(make):
    pool = """my pool's "best" images; *"""
    ran = make("quickstart", f"IMAGES={pool}", "TARGET=a  b", "WORK=out put")
    assert ran.stdout == (
        f"<tools/quickstart.py><--out><out put><--images><{pool}><--target><a  b>"
    ), ran.stderr


def test_what_is_not_given_is_no_argument(make):
    ran = make("quickstart")
    assert ran.stdout == "<tools/quickstart.py><--out><work_dirs/quickstart>"


def test_wheels_may_lie_anywhere(make):
    assert make("test-gpu", "WHEELS=my wheels").stdout == "<--wheels><my wheels>"
    assert make("test-gpu").stdout == "<>"


def test_the_sites_warnings_are_errors(make):
    ran = make("docs")
    assert ran.stdout.startswith("<-m><sphinx><-b><html>"), ran.stderr
    assert "<-n><-W><--keep-going><docs><docs/_build/html>" in ran.stdout


def test_a_cache_that_make_cannot_name_is_refused_in_a_sentence(make):
    ran = make("help", "CACHE=/my cache")
    assert ran.returncode and "must lie where no path has blanks" in ran.stderr
