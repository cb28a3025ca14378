"""Trainings on a CUDA device, as the full configs set them up."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook

from mmtaskssl.config import load_config
from mmtaskssl.engine.run import build_runner
from mmtaskssl.engine.run_checks import check_batches
from mmtaskssl.registry import HOOKS
from mmtaskssl.utils.paths import resource_root

pytestmark = pytest.mark.gpu

_ROOT = resource_root("configs")
_DEBUG = sorted(
    path
    for method in ("selfsup", "data", "dspnet", "sdr")
    for path in (_ROOT / method).rglob("*debug*.py")
)
_MOCO = _ROOT / "selfsup/mocov2/mocov2_resnet18-w8_1xb16-coslr-12i_debug-32px.py"


def _config(path: Path, folder: Path, name: str = "", **options):
    cfg = load_config(str(path), options)
    cfg.work_dir, cfg.launcher, cfg.log_level = str(folder), "none", "WARNING"
    cfg.experiment_name = f"gpu-{path.stem}-{name}"
    return cfg


def _as_full(cfg, **wrapper):
    """What `_base_/gpu_runtime.py` and its schedules add."""
    cfg.optim_wrapper = {**cfg.optim_wrapper, "type": "AutoPrecisionOptimWrapper"}
    cfg.optim_wrapper.update(wrapper)
    cfg.custom_hooks = [{"type": "ChannelsLastHook"}]
    cfg.env_cfg.cudnn_benchmark = True
    return cfg


def _train(cfg):
    runner = build_runner(cfg)
    check_batches(runner)
    runner.train()
    return runner


def _losses(runner) -> torch.Tensor:
    history, _ = runner.message_hub.get_scalar("train/loss").data
    return torch.as_tensor(history)


@pytest.mark.parametrize("path", _DEBUG, ids=lambda p: p.stem)
def test_every_algorithm_trains_as_the_full_configs_do(path, tmp_path):
    runner = _train(_as_full(_config(path, tmp_path)))
    assert torch.backends.cudnn.benchmark
    native = torch.cuda.is_bf16_supported(including_emulation=False)
    expected = torch.bfloat16 if native else torch.float32
    assert runner.optim_wrapper.dtype == expected
    kernels = [m.weight for m in runner.model.modules() if _is_wide_conv(m)]
    assert kernels and all(
        w.is_contiguous(memory_format=runner.optim_wrapper.memory_format)
        for w in kernels
    )
    assert all(p.is_cuda and p.isfinite().all() for p in runner.model.parameters())


def _is_wide_conv(module) -> bool:
    return isinstance(module, torch.nn.Conv2d) and module.kernel_size != (1, 1)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_layout_changes_rounding_alone(precision, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    losses = []
    for layout in (torch.contiguous_format, torch.channels_last):
        cfg = _config(
            _MOCO, tmp_path / str(layout), f"{precision}{layout}", max_iters=4
        )
        _as_full(cfg, precision=precision).custom_hooks = []
        runner = build_runner(cfg)
        runner.model.to(memory_format=layout)
        runner.train()
        losses.append(_losses(runner))
    tolerance = 1e-3 if precision == "float32" else 0.05
    torch.testing.assert_close(*losses, rtol=tolerance, atol=tolerance)


@pytest.fixture
def stop_hook():
    @HOOKS.register_module(force=True)
    class StopAfterSix(Hook):
        priority = "LOWEST"

        def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
            runner.train_loop.stop_training = runner.iter + 1 == 6

    yield {"type": "StopAfterSix"}
    HOOKS.module_dict.pop("StopAfterSix")


def test_resume_goes_on_where_it_stopped(tmp_path, stop_hook):
    """Not bit for bit: atomic additions on a GPU have no order."""
    whole = _train(_as_full(_config(_MOCO, tmp_path / "whole", "whole")))
    half = _as_full(_config(_MOCO, tmp_path / "parts", "half"))
    half.custom_hooks = [*half.custom_hooks, stop_hook]
    assert _train(half).iter == 6
    resumed = _as_full(_config(_MOCO, tmp_path / "parts", "resumed"))
    resumed.resume = True
    runner = _train(resumed)
    assert runner.iter == 12
    assert runner.model.data_preprocessor.step == whole.model.data_preprocessor.step
    torch.testing.assert_close(
        _losses(runner)[-6:], _losses(whole)[-6:], rtol=0.1, atol=0.1
    )


@pytest.mark.parametrize("processes", [1, 2])
def test_dist_train_over_nccl(processes, tmp_path):
    if torch.cuda.device_count() < processes:
        pytest.skip(f"NCCL wants a GPU for each of {processes} processes")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = _ROOT / "data/supernet-densecl_dynamic-resnet-basic_1xb16-coslr-12i_debug"
    done = subprocess.run(
        [
            resource_root("tools") / "dist_train.sh",
            f"{config}-64px.py",
            str(processes),
            "--work-dir",
            tmp_path / "run",
            *("--cfg-options", "max_iters=4", "sync_bn=torch", "log_level=WARNING"),
        ],
        env=os.environ | {"PYTHON": sys.executable, "PORT": str(port)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "run" / "iter_4.pth").is_file()
