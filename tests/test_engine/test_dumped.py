"""A training writes its config, and over nobody's file."""

import pytest

from mmtaskssl import apis
from mmtaskssl.runs.locks import locked
from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.paths import resolve_config

_MOCO = resolve_config(
    "selfsup/mocov2/mocov2_resnet18-w8_1xb16-coslr-12i_debug-32px.py"
)
_SHORT = {"iters": 1, "cfg_options": {"num_workers": 0}}


def test_a_config_beside_its_checkpoints_stays(tmp_path):
    text = f'# mine\n_base_ = ["{_MOCO}"]\n'
    (tmp_path / "my.py").write_text(text)
    apis.pretrain(tmp_path / "my.py", work_dir=tmp_path, **_SHORT)
    assert (tmp_path / "my.py").read_text() == text
    (spread,) = {*tmp_path.glob("*.py")} - {tmp_path / "my.py"}
    assert "max_iters = 1" in spread.read_text()


def test_its_own_is_written_anew(tmp_path):
    for seed in (1, 2):
        apis.pretrain(_MOCO, work_dir=tmp_path, seed=seed, **_SHORT)
        (spread,) = tmp_path.glob("*.py")
        assert spread.name == _MOCO.name and f"seed={seed}" in spread.read_text()


def test_two_trainings_do_not_share_a_folder(tmp_path):
    folder = tmp_path / "run"
    with locked(folder), pytest.raises(UserError, match="another process is writing"):
        apis.pretrain(_MOCO, work_dir=folder, **_SHORT)
    assert not list(tmp_path.rglob("*.pth"))
    apis.pretrain(_MOCO, work_dir=folder, **_SHORT)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
