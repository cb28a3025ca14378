import copy

import pytest
import torch

from mmtaskssl.engine import run as run_module
from mmtaskssl.engine.run import use_amp, use_auto_scale_lr
from mmtaskssl.utils.errors import UserError
from tests.test_engine._runs import debug_config, run


def test_amp_keeps_what_is_mixed_already_and_refuses_other_kinds(tmp_path):
    cfg = debug_config("mocov2", tmp_path)
    for kind in ("BFloat16OptimWrapper", "mmtaskssl.AutoPrecisionOptimWrapper"):
        cfg.optim_wrapper.type = kind
        before = copy.deepcopy(cfg.optim_wrapper)
        use_amp(cfg)
        assert cfg.optim_wrapper == before
    cfg.optim_wrapper.precision = "float32"
    with pytest.raises(UserError, match=r"contradicts optim_wrapper.precision"):
        use_amp(cfg)
    cfg.optim_wrapper.type = "ApexOptimWrapper"
    with pytest.raises(UserError, match=r"does not combine with .* ApexOptimWrapper"):
        use_amp(cfg)


@pytest.mark.parametrize("native", [True, False])
def test_amp_is_never_float32_on_a_gpu(native, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(run_module, "has_native_bfloat16", lambda device: native)
    cfg = debug_config("mocov2", tmp_path)
    cfg.optim_wrapper.update(type="AutoPrecisionOptimWrapper", precision="auto")
    use_amp(cfg)
    if native:
        assert cfg.optim_wrapper.type == "AutoPrecisionOptimWrapper"
    else:
        assert cfg.optim_wrapper.type == "AmpOptimWrapper"
        assert cfg.optim_wrapper.loss_scale == "dynamic"
        assert "precision" not in cfg.optim_wrapper


def test_rescaling_with_another_runner_is_refused(tmp_path):
    cfg = debug_config("mocov2", tmp_path, resume_rescale=True)
    cfg.runner_type = "Runner"
    with pytest.raises(UserError, match="does not serve runner_type=Runner"):
        run_module.build_runner(cfg)


def test_scaling_the_rate_needs_the_batch_it_is_for(tmp_path):
    cfg = debug_config("mocov2", tmp_path)
    cfg.pop("auto_scale_lr")
    with pytest.raises(UserError, match="base_batch_size"):
        use_auto_scale_lr(cfg)


def test_last_batch_of_one_is_refused(tmp_path):
    cfg = debug_config("mocov2", tmp_path)
    cfg.train_cfg = {"type": "EpochBasedTrainLoop", "max_epochs": 1}
    cfg.train_dataloader.sampler = {"type": "DefaultSampler"}
    cfg.train_dataloader.dataset.num_images = 33
    with pytest.raises(UserError, match="drop_last=True"):
        run(cfg)
    cfg = copy.deepcopy(cfg)
    cfg.experiment_name = "dropped"
    cfg.train_dataloader.drop_last = True
    assert run(cfg).iter == 2


@pytest.mark.gpu
@pytest.mark.parametrize("algorithm", ["mocov2", "byol", "simsiam"])
def test_float16_on_a_gpu(algorithm, tmp_path):
    cfg = debug_config(algorithm, tmp_path)
    cfg.default_hooks.knn = {
        "type": "KNNHook",
        "train": {"type": "SyntheticImages", "num_images": 24},
        "test": {"type": "SyntheticImages", "num_images": 24, "seed": 1},
        "by_epoch": False,
    }
    use_amp(cfg)
    runner = run(cfg)
    assert type(runner.optim_wrapper).__name__ == "AmpOptimWrapper"
    assert all(torch.isfinite(p).all() for p in runner.model.parameters())
