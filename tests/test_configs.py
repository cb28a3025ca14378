"""Every self-supervised config is whole; the debug ones train."""

from pathlib import Path

import pytest
import torch

from mmtaskssl.config import load_config
from mmtaskssl.registry import MODELS
from tests.test_engine._runs import ALGORITHMS, debug_config, run

_ROOT = Path(__file__).resolve().parents[1] / "configs" / "selfsup"
_CONFIGS = sorted(_ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", _CONFIGS, ids=lambda p: p.stem)
def test_model_builds_and_gives_a_loss(path):
    cfg = load_config(str(path))
    if cfg.model.neck.hid_channels > 4096:  # an expander of seconds and GiB
        cfg.model.neck.update(hid_channels=64, out_channels=64)
    model = MODELS.build({**cfg.model, "_scope_": cfg.default_scope})
    side = cfg.model.data_preprocessor.view_size
    images = [torch.zeros(3, side, side, dtype=torch.uint8) for _ in range(2)]
    images[0] += torch.arange(side).to(torch.uint8)
    batch = model.data_preprocessor({"inputs": images}, training=True)
    loss = model(**batch, mode="loss")["loss"]
    assert loss.shape == () and torch.isfinite(loss)


@pytest.mark.parametrize("path", _CONFIGS, ids=lambda p: p.stem)
def test_names_and_docstrings_tell_what_a_config_does(path):
    algorithm, _, batch, *_ = path.stem.split("_")
    assert algorithm == path.parent.name
    cfg = load_config(str(path))
    processes, per_process = map(int, batch.split("-")[0].split("xb"))
    assert cfg.train_dataloader.batch_size == per_process
    assert cfg.auto_scale_lr.base_batch_size == processes * per_process or (
        "debug" in path.stem
    )
    text = path.read_text()
    assert f"{path.stem}.py" in text.split('"""')[1]
    assert not path.read_text().startswith("_base_")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_debug_config_trains(algorithm, tmp_path):
    runner = run(debug_config(algorithm, tmp_path))
    assert runner.iter == 12
    assert (tmp_path / "iter_12.pth").is_file()
    weights = torch.load(tmp_path / "iter_12.pth", weights_only=False)["state_dict"]
    assert any(key.startswith("backbone.") for key in weights)


@pytest.mark.parametrize("path", _CONFIGS, ids=lambda p: p.stem)
def test_one_option_takes_other_images(path):
    if "debug" in path.stem:
        pytest.skip("generated images")
    cfg = load_config(str(path), {"images": "elsewhere", "selection": "chosen.txt"})
    wrapper = cfg.train_dataloader.dataset
    assert wrapper.selection == "chosen.txt"
    assert wrapper.dataset.source == "elsewhere"
