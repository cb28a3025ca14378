"""The worked example for those who add a method is run as it is written."""

import re
import runpy
import shutil
import sys

import pytest

from mmtaskssl.config import load_config
from mmtaskssl.engine.run import train

BLOCK = re.compile(r"^```python (\S+)\n(.*?)^```", re.M | re.S)


@pytest.fixture
def files(repo_root, tmp_path, monkeypatch):
    """Writes the blocks out: modules side by side, configs beside our bases."""
    text = (repo_root / "docs" / "add_a_method.md").read_text(encoding="utf-8")
    shutil.copytree(repo_root / "configs" / "_base_", tmp_path / "configs" / "_base_")
    written = {}
    for name, body in BLOCK.findall(text):
        is_config = name.startswith("configs/")
        path = tmp_path / (name if is_config else name.rsplit("/", 1)[1])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body.replace("from .vicreg", "from vicreg"))
        written[name.split("/")[0] if is_config else path.stem] = path
    monkeypatch.syspath_prepend(str(tmp_path))
    yield written
    for name in ("vicreg", "supernet_vicreg"):
        sys.modules.pop(name, None)


def test_four_files_make_a_method(files, tmp_path):
    assert {*files} == {"vicreg", "supernet_vicreg", "configs", "test_vicreg"}
    runpy.run_path(str(files["test_vicreg"]))["test_the_loss_is_the_papers"]()
    cfg = load_config(str(files["configs"]))
    cfg.work_dir, cfg.launcher = str(tmp_path / "work"), "none"
    train(cfg)
    assert (tmp_path / "work" / "iter_12.pth").is_file()
