"""The worked example for those who add a method is run as it is written."""

import os
import re
import shutil
import subprocess
import sys

BLOCK = re.compile(r"^```python (\S+)( added)?\n(.*?)^```", re.M | re.S)
#: In one process: to import torch is what takes long.
RUN = """
import sys, pytest
import mmtaskssl
from mmtaskssl.cli.train import main
print(mmtaskssl.__file__)
status = pytest.main(["-q", "-p", "no:cacheprovider", sys.argv[1]])
assert not status, "the test fails"
main([sys.argv[2], "--work-dir", "work"])
# What is imported from another room than it lies in is not found there.
with pytest.raises(ModuleNotFoundError, match="algorithms.vicreg"):
    import mmtaskssl.models.algorithms.slip
"""


def _write(text, root):
    """Writes the blocks at the paths that they name, as they are.

    Returns:
        Their paths.
    """
    paths = []
    for name, added, body in BLOCK.findall(text):
        path = root / name
        before = path.read_text(encoding="utf-8") if added else ""
        assert added or not path.exists(), f"{name} is there already"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(before + body, encoding="utf-8")
        paths.append(path)
    return paths


def _copy(repo_root, root):
    """A copy of the package, and of the bases of configs."""
    shutil.copytree(
        repo_root / "mmtaskssl",
        root / "mmtaskssl",
        ignore=shutil.ignore_patterns("__pycache__", ".mim"),
    )
    shutil.copytree(repo_root / "configs" / "_base_", root / "configs" / "_base_")


def _run(root, *words):
    path = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", *words],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
    )
    return done.returncode, done.stdout + done.stderr


def test_four_files_make_a_method(repo_root, tmp_path):
    text = (repo_root / "docs" / "add_a_method.md").read_text(encoding="utf-8")
    _copy(repo_root, tmp_path)
    written = [p.relative_to(tmp_path).as_posix() for p in _write(text, tmp_path)]
    assert [name.split("/")[0] for name in written] == [
        *["mmtaskssl"] * 3,
        *("configs", "tests"),
    ]
    there = [name for name in written if (repo_root / name).exists()]
    assert there == ["mmtaskssl/models/algorithms/__init__.py"]  # a line is added
    algorithm = tmp_path / "mmtaskssl/models/algorithms/supernet_vicreg.py"
    slip = algorithm.read_text().replace("from mmtaskssl.models.losses", "from ")
    algorithm.with_name("slip.py").write_text(slip)
    (config,) = (name for name in written if name.startswith("configs/"))
    (test,) = (name for name in written if name.startswith("tests/"))
    status, said = _run(tmp_path, RUN, test, config)
    assert status == 0, said[-3000:]
    assert said.startswith(str(tmp_path / "mmtaskssl")) and "1 passed" in said
    assert (tmp_path / "work" / "iter_12.pth").is_file()
