import copy
import json
import math

import pytest
import torch

from mmtaskssl.utils.errors import UserError
from tests.test_engine._runs import debug_config, run
from tests.test_engine.test_resume import _assert_identical, _state

_LABELLED = {"type": "SyntheticImages", "num_images": 24, "num_classes": 3, "size": 40}


def _with_knn(cfg, **options):
    test = _LABELLED | {"seed": 1}
    hook = {"type": "KNNHook", "train": _LABELLED, "test": test, "by_epoch": False}
    cfg.default_hooks.knn = hook | {"interval": 5, "batch_size": 10} | options
    return cfg


def _scalars(work_dir, key):
    (log,) = work_dir.rglob("vis_data/scalars.json")
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    return [(row["step"], row[key]) for row in rows if key in row]


def test_knn_leaves_the_training_alone(tmp_path):
    plain = run(debug_config("byol", tmp_path / "plain"))
    random_state = torch.get_rng_state()
    watched = run(_with_knn(debug_config("byol", tmp_path / "watched"), num_workers=1))
    assert torch.equal(random_state, torch.get_rng_state())
    _assert_identical(_state(plain), _state(watched))


def test_knn_is_measured_on_the_cadence_and_at_the_end(tmp_path):
    cfg = _with_knn(debug_config("mocov2", tmp_path), source="ema", num_workers=1)
    run(cfg)
    measured = _scalars(tmp_path, "knn_top1")
    assert [step for step, _ in measured] == [5, 10, 12]
    assert all(0 <= value <= 100 for _, value in measured)


def test_knn_counts_the_right_answers(tmp_path):
    """The votes of the data's own images: each is its own nearest neighbour."""
    cfg = _with_knn(debug_config("simsiam", tmp_path), test=_LABELLED, k=1)
    run(cfg)
    assert {value for _, value in _scalars(tmp_path, "knn_top1")} == {100.0}


def test_knn_by_epoch(tmp_path):
    cfg = _with_knn(debug_config("mocov2", tmp_path), by_epoch=True, interval=2)
    cfg.train_cfg = {"type": "EpochBasedTrainLoop", "max_epochs": 3}
    cfg.train_dataloader.sampler = {"type": "DefaultSampler"}
    cfg.train_dataloader.dataset.num_images = 32
    run(cfg)
    assert [step for step, _ in _scalars(tmp_path, "knn_top1")] == [2, 3]


def test_knn_refuses_what_it_cannot_measure(tmp_path):
    other = _LABELLED | {"num_classes": 5}
    with pytest.raises(UserError, match="different classes"):
        run(_with_knn(debug_config("mocov2", tmp_path), test=other))
    with pytest.raises(UserError, match="no momentum encoder"):
        run(_with_knn(debug_config("simsiam", tmp_path), source="ema"))
    with pytest.raises(UserError, match="online or ema"):
        run(_with_knn(debug_config("mocov2", tmp_path), source="both"))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_non_finite_loss_stops_with_its_iteration(tmp_path, monkeypatch, bad):
    from mmtaskssl.models.algorithms import SimSiam

    inner, calls = SimSiam.loss, []

    def loss(self, *args, **kwargs):
        calls.append(1)
        losses = inner(self, *args, **kwargs)
        return {"loss": losses["loss"] * (bad if len(calls) == 8 else 1)}

    monkeypatch.setattr(SimSiam, "loss", loss)
    cfg = debug_config("simsiam", tmp_path, default_hooks__non_finite_loss__interval=5)
    with pytest.raises(UserError, match="not finite at iteration 8 of 12"):
        run(cfg)
    assert len(calls) == 10
    assert [p.name for p in tmp_path.glob("*.pth")] == ["iter_6.pth"]


def test_non_finite_loss_never_reaches_a_checkpoint(tmp_path, monkeypatch):
    from mmtaskssl.models.algorithms import SimSiam

    inner = SimSiam.loss
    monkeypatch.setattr(
        SimSiam, "loss", lambda *a, **k: {"loss": inner(*a, **k)["loss"] * math.nan}
    )
    cfg = debug_config("simsiam", tmp_path, default_hooks__non_finite_loss__interval=99)
    with pytest.raises(UserError, match="not finite at iteration 1 of 12"):
        run(cfg)
    assert not list(tmp_path.glob("*.pth"))


def test_predictor_rate_is_constant(tmp_path, monkeypatch):
    from mmengine.optim import OptimWrapper

    rates, inner = [], OptimWrapper.step

    def step(self, **kwargs):
        fixed = {g["lr"] for g in self.param_groups if g.get("fix_lr")}
        other = {g["lr"] for g in self.param_groups if not g.get("fix_lr")}
        rates.append((fixed, other))
        return inner(self, **kwargs)

    monkeypatch.setattr(OptimWrapper, "step", step)
    run(debug_config("simsiam", tmp_path))
    start = rates[0][1]
    assert all(fixed == start for fixed, _ in rates)
    falling = [max(other) for _, other in rates]
    assert falling == sorted(falling, reverse=True)
    assert falling[-1] < 0.1 * falling[0]


def test_throughput_is_logged(tmp_path):
    run(debug_config("mocov2", tmp_path))
    assert len(_scalars(tmp_path, "images_per_s")) == 6
    assert all(value > 0 for _, value in _scalars(tmp_path, "images_per_s"))


def test_accumulation_equals_the_larger_batch_in_time_scale(tmp_path):
    """Two forwards a step: the target moves once a step, over the whole schedule."""
    cfg = debug_config("byol", tmp_path, optim_wrapper__accumulative_counts=2)
    runner = run(cfg)
    assert int(runner.model.target_net.steps) == 6


@pytest.mark.parametrize("native", [True, False])
def test_amp_on_cpu_is_bfloat16_where_native(tmp_path, monkeypatch, native):
    from mmtaskssl.engine.run import use_amp

    if torch.cuda.is_available():
        pytest.skip("this is what --amp does without a GPU")
    seen = []
    from mmtaskssl.engine.optimizers import auto_precision
    from mmtaskssl.models.algorithms import BYOL

    monkeypatch.setattr(auto_precision, "has_native_bfloat16", lambda _: native)

    inner = BYOL.loss

    def loss(self, *args, **kwargs):
        seen.append(torch.is_autocast_enabled("cpu"))
        return inner(self, *args, **kwargs)

    monkeypatch.setattr(BYOL, "loss", loss)
    cfg = debug_config("byol", tmp_path)
    before = copy.deepcopy(cfg.optim_wrapper.optimizer)
    use_amp(cfg)
    runner = run(cfg)
    assert cfg.optim_wrapper.optimizer == before
    assert seen == [native] * 12
    assert all(torch.isfinite(p).all() for p in runner.model.parameters())
