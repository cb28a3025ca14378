import importlib.util
import subprocess
import sys

import pytest

from mmtaskssl.utils.errors import UserError
from tests._images import make_image_folder

NAMES = ("ours", "ours, RAM cache", "mmselfsup", "torchvision PIL", "decode only")


@pytest.fixture
def tool(repo_root):
    return repo_root / "tools" / "benchmarks" / "speed_pipeline.py"


def test_prints_both_tables(tool, tmp_path):
    # In a process of its own, for it changes mmengine's default scope.
    images = make_image_folder(tmp_path / "images", 1, size=40)
    counts = ["--small", "2", "--large", "1", "--rounds", "1"]
    done = subprocess.run(
        [sys.executable, str(tool), "--images", str(images), *counts],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    for name in NAMES:
        assert done.stdout.count(f"| {name}") >= 2
    assert "64 px views, 2 images" in done.stdout
    assert "224 px views, 1 images" in done.stdout


@pytest.mark.parametrize("argument", [["--images", "gone"], ["--rounds", "0"]])
def test_bad_arguments(tool, argument):
    spec = importlib.util.spec_from_file_location("speed_pipeline", tool)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.raises(UserError):
        module.main(argument)
