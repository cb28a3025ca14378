"""Every config of a supernet is whole; the debug ones train."""

from pathlib import Path

import pytest
import torch

from mmtaskssl.config import load_config
from mmtaskssl.engine.run import build_runner
from mmtaskssl.engine.run_checks import check_batches
from mmtaskssl.registry import MODELS

_ROOT = Path(__file__).resolve().parents[1] / "configs" / "data"
_CONFIGS = sorted(_ROOT.glob("*.py"))
_DEBUG = [path for path in _CONFIGS if "debug" in path.stem]


@pytest.mark.parametrize("path", _CONFIGS, ids=lambda p: p.stem)
def test_model_builds_and_fits_its_space(path):
    cfg = load_config(str(path))
    with torch.device("meta"):  # the full ones are large
        model = MODELS.build({**cfg.model, "_scope_": cfg.default_scope})
    assert type(model).__name__.lower().startswith("supernet")
    largest = model.backbone.space.max
    for layer in (model.neck, getattr(model.neck, "single", model.neck)):
        if hasattr(layer, "layers"):
            assert layer.layers[0].in_features == model.backbone.out_channels()[-1]
    assert model.subnet_sampler(0, 10)[0] == largest
    assert cfg.model_wrapper_cfg.type == "mmtaskssl.ElasticDDP"


@pytest.mark.parametrize("path", _CONFIGS, ids=lambda p: p.stem)
def test_names_and_docstrings_tell_what_a_config_does(path):
    algorithm, _, batch, *_ = path.stem.split("_")
    cfg = load_config(str(path))
    # LeJEPA is a joint embedding with a loss of its own.
    kind = algorithm.replace("lejepa", "jointembedding").replace("v2", "")
    assert cfg.model.type.lower() == kind.replace("-", "")
    processes, per_process = map(int, batch.split("-")[0].split("xb"))
    assert cfg.train_dataloader.batch_size == per_process
    if "debug" not in path.stem:
        assert cfg.auto_scale_lr.base_batch_size == processes * per_process
        options = {"images": "elsewhere"}
        changed = load_config(str(path), options).train_dataloader.dataset
        assert changed.source == "elsewhere"
    assert f"{path.stem}.py" in path.read_text().split('"""')[1]


@pytest.mark.parametrize("path", _DEBUG, ids=lambda p: p.stem)
def test_debug_config_trains(path, tmp_path):
    cfg = load_config(str(path))
    cfg.work_dir, cfg.launcher, cfg.log_level = str(tmp_path), "none", "WARNING"
    cfg.experiment_name = path.stem
    runner = build_runner(cfg)
    check_batches(runner)
    runner.train()
    weights = torch.load(tmp_path / "iter_12.pth", weights_only=False)["state_dict"]
    assert all(value.isfinite().all() for value in weights.values())
