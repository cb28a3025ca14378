import pytest
import torch

from mmtaskssl.engine.accumulated import KEY
from tests.test_engine._runs import ALGORITHMS, debug_config, run

_LOST = "the gradient of some iterations is lost"


def _log(folder):
    return "".join(file.read_text() for file in folder.rglob("*.log"))


def _state(runner):
    """Everything that another step would start from."""
    schedulers = [s.state_dict() for s in runner.param_schedulers]
    return {
        "model": runner.model.state_dict(),
        "optimizer": runner.optim_wrapper.state_dict(),
        "schedulers": schedulers,
    }


def _assert_identical(a, b, path=""):
    assert type(a) is type(b), path
    if isinstance(a, dict):
        assert a.keys() == b.keys(), path
        for key in a:
            _assert_identical(a[key], b[key], f"{path}.{key}")
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b), path
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            _assert_identical(x, y, f"{path}[{i}]")
    elif isinstance(a, torch.Tensor):
        assert torch.equal(a, b), f"{path}: {(a.float() - b.float()).abs().max()}"
    else:
        assert a == b, path


def _check(algorithm, tmp_path, change=lambda cfg: cfg, **options):
    """2N steps in one go, and N steps, a fresh Runner, N more."""
    whole = run(change(debug_config(algorithm, tmp_path / "whole", **options)))
    half = change(debug_config(algorithm, tmp_path / "parts", **options))
    run(_stop_half_way(half))
    torch.manual_seed(12345)  # a new process would not start from this one's state
    cfg = change(debug_config(algorithm, tmp_path / "parts", **options))
    cfg.resume = True
    resumed = run(cfg)
    assert resumed.iter == whole.iter
    _assert_identical(_state(whole), _state(resumed))


def _stop_half_way(cfg):
    """Ends where a kill would: after the checkpoint, with the schedule unchanged."""
    cfg.custom_hooks = [{"type": "StopHalfWay"}]
    return cfg


@pytest.fixture(autouse=True)
def _stop_hook():
    from mmengine.hooks import Hook

    from mmtaskssl.registry import HOOKS

    @HOOKS.register_module(force=True)
    class StopHalfWay(Hook):
        priority = "LOWEST"

        def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
            if runner.iter + 1 == runner.max_iters // 2:
                runner.train_loop.stop_training = True

    yield
    HOOKS.module_dict.pop("StopHalfWay")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_resume_by_iterations_is_bit_exact(algorithm, tmp_path):
    _check(algorithm, tmp_path)


def _by_epoch(cfg):
    # 40 images in batches of 16: the last one of an epoch holds eight.
    cfg.train_cfg = {"type": "EpochBasedTrainLoop", "max_epochs": 4}
    cfg.train_dataloader.sampler = {"type": "DefaultSampler", "shuffle": True}
    cfg.train_dataloader.dataset.num_images = 40
    cfg.default_hooks.checkpoint = {"type": "CheckpointHook", "interval": 1}
    cfg.log_processor = {}
    return cfg


def test_resume_by_epochs_is_bit_exact(tmp_path):
    _check("mocov2", tmp_path, _by_epoch)


def test_resume_with_accumulation_and_workers(tmp_path):
    """Also from between two steps of the optimizer: it stops behind six iterations."""
    _check(
        "byol",
        tmp_path,
        optim_wrapper__accumulative_counts=4,
        train_dataloader__num_workers=1,
    )
    said = _log(tmp_path / "parts")
    assert "BatchNorm" in said and _LOST not in said


def test_gradients_that_are_lost_are_said_to_be(tmp_path):
    accumulating = {"optim_wrapper__accumulative_counts": 4}
    cfg = debug_config("simsiam", tmp_path, **accumulating)
    run(_stop_half_way(cfg))
    (file,) = tmp_path.glob("iter_6.pth")
    content = torch.load(file, weights_only=False)
    assert content.pop(KEY)
    torch.save(content, file)
    cfg = debug_config("simsiam", tmp_path, **accumulating)
    cfg.resume = True
    run(cfg)
    said = _log(tmp_path)
    assert said.count(_LOST) == 1


@pytest.mark.parametrize("native", [True, False])
def test_resume_on_a_machine_of_another_kind(native, tmp_path, monkeypatch):
    """What a training began in is kept where the machine would choose otherwise."""
    from mmtaskssl.engine.optimizers import auto_precision

    machines = iter([native, native, not native])
    kept = []

    def change(cfg):
        here = next(machines)
        monkeypatch.setattr(auto_precision, "has_native_bfloat16", lambda _: here)
        monkeypatch.setattr(auto_precision, "prefers_channels_last", lambda *_: here)
        cfg.optim_wrapper.type = "AutoPrecisionOptimWrapper"
        cfg.default_hooks.layout = {"type": "ChannelsLastHook"}
        return cfg

    inner = auto_precision.AutoPrecisionOptimWrapper.optim_context

    def optim_context(self, model):
        weight = model.backbone.layer1[0].conv1.weight
        last = weight.is_contiguous(memory_format=torch.channels_last)
        kept.append((self.dtype == torch.bfloat16, last))
        return inner(self, model)

    monkeypatch.setattr(
        auto_precision.AutoPrecisionOptimWrapper, "optim_context", optim_context
    )
    _check("simsiam", tmp_path, change)
    assert kept == [(native, native)] * 24


def test_resume_by_taps_is_bit_exact(tmp_path, monkeypatch):
    from mmtaskssl.engine.hooks import channels_last
    from mmtaskssl.models import tap_conv

    taken, inner = [], tap_conv._blocks

    def blocks(*args):
        taken.append(args)
        return inner(*args)

    monkeypatch.setattr(channels_last, "prefers_taps", lambda weight: True)
    monkeypatch.setattr(tap_conv, "_LEAST", 1)
    monkeypatch.setattr(tap_conv, "_blocks", blocks)

    def change(cfg):
        cfg.default_hooks.layout = {"type": "ChannelsLastHook"}
        return cfg

    _check("byol", tmp_path, change)
    assert taken


def test_resume_skips_the_past_without_reading_it(tmp_path, monkeypatch):
    run(_stop_half_way(debug_config("simsiam", tmp_path)))
    read = []
    from mmtaskssl.datasets import SyntheticImages

    inner = SyntheticImages.__getitem__
    monkeypatch.setattr(
        SyntheticImages,
        "__getitem__",
        lambda self, i: (read.append(i), inner(self, i))[1],
    )
    cfg = debug_config("simsiam", tmp_path)
    cfg.resume = True
    run(cfg)
    assert len(read) == 6 * 16
