"""The best checkpoint, and the early end, by what KNNHook measures."""

import shutil
from pathlib import Path

import pytest
import torch

from mmtaskssl.engine.hooks import KNNHook
from mmtaskssl.utils.errors import UserError
from tests.test_engine._runs import run
from tests.test_engine.test_checkpoints import (
    _config,
    _files,
    _plain_config_text,  # noqa: F401  a fixture
    _read,
    _resume,
    _stop_at,  # noqa: F401  a fixture
)


def _measures(monkeypatch, scores):
    """Replaces the accuracies, by the iteration they are measured at."""
    steps = []

    def measure(self, runner, epoch, iters):
        from mmtaskssl.engine.metrics import publish_metrics

        steps.append(iters)
        publish_metrics(runner, {"knn_top1": scores[iters]}, self._name, epoch, iters)

    monkeypatch.setattr(KNNHook, "_measure", measure)
    return steps


def _every_step(work_dir, **options):
    cfg = _config(work_dir, **options)
    cfg.default_hooks.knn.interval = 1
    return cfg


def _best(work_dir):
    (path,) = work_dir.glob("best_*.pth")
    return path.name


def test_the_best_is_kept_with_its_score(tmp_path, monkeypatch):
    steps = _measures(monkeypatch, {1: 10.0, 2: 30.0, 3: 40.0, 4: 20.0})
    run(_every_step(tmp_path))
    assert steps == [1, 2, 3, 4]
    assert _best(tmp_path) == "best_knn_top1_iter_3.pth"
    best = _read(tmp_path / _best(tmp_path))
    assert best["meta"]["iter"] == 3 and "optimizer" not in best
    info = _read(tmp_path / "iter_4.pth")["message_hub"]["runtime_info"]
    assert info["best_score"] == 40.0
    assert Path(info["best_ckpt"]).name == "best_knn_top1_iter_3.pth"


def test_the_weights_are_those_that_were_measured(tmp_path, monkeypatch):
    _measures(monkeypatch, {2: 30.0, 4: 20.0})
    run(_config(tmp_path, keep=-1))
    best, step = _read(tmp_path / _best(tmp_path)), _read(tmp_path / "iter_2.pth")
    for key, value in step["state_dict"].items():
        assert torch.equal(best["state_dict"][key], value), key


def test_a_real_measurement_saves_its_best(tmp_path):
    run(_config(tmp_path))
    info = _read(tmp_path / "iter_4.pth")["message_hub"]["runtime_info"]
    assert 0 <= info["best_score"] <= 100
    assert Path(info["best_ckpt"]).name == _best(tmp_path)


def test_a_resumed_training_knows_the_best(tmp_path, monkeypatch):
    _measures(monkeypatch, {1: 10.0, 2: 30.0, 3: 20.0, 4: 25.0})
    cfg = _every_step(tmp_path)
    cfg.custom_hooks = [{"type": "StopAt", "at": 2}]
    run(cfg)
    assert _best(tmp_path) == "best_knn_top1_iter_2.pth"
    _resume(_every_step(tmp_path))
    assert _best(tmp_path) == "best_knn_top1_iter_2.pth"


def test_a_measurement_that_a_kill_has_cost_is_made_again(tmp_path, monkeypatch):
    """Killed behind the checkpoint of step 2, within its kNN."""

    def killed(self, runner, epoch, iters):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(KNNHook, "_measure", killed)
        run(_config(tmp_path))
    steps = _measures(monkeypatch, {2: 50.0, 4: 20.0})
    _resume(_config(tmp_path))
    assert steps == [2, 4]
    assert _best(tmp_path) == "best_knn_top1_iter_2.pth"


def test_sub_nets_have_bests_of_their_own(tmp_path, monkeypatch):
    from mmtaskssl.engine.metrics import publish_metrics

    def measure(self, runner, epoch, iters):
        scores = {"max/knn_top1": float(iters), "min/knn_top1": -float(iters)}
        publish_metrics(runner, scores, self._name, epoch, iters)

    monkeypatch.setattr(KNNHook, "_measure", measure)
    cfg = _config(tmp_path)
    cfg.default_hooks.checkpoint.save_best = ["max/knn_top1", "min/knn_top1"]
    run(cfg)
    assert [name for name in _files(tmp_path) if name.startswith("best")] == [
        "best_max_knn_top1_iter_4.pth",
        "best_min_knn_top1_iter_2.pth",
    ]


def test_a_copy_leaves_the_best_of_the_original(tmp_path, monkeypatch):
    _measures(monkeypatch, {2: 10.0, 4: 50.0})
    cfg = _config(tmp_path / "a")
    cfg.custom_hooks = [{"type": "StopAt", "at": 2}]
    run(cfg)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    _resume(_config(tmp_path / "b"))
    assert _best(tmp_path / "a") == "best_knn_top1_iter_2.pth"
    assert _best(tmp_path / "b") == "best_knn_top1_iter_4.pth"


def test_waiting_for_what_is_not_measured_is_refused(tmp_path):
    cfg = _config(tmp_path / "a")
    cfg.default_hooks.pop("knn")
    with pytest.raises(UserError, match=r"waits for .knn_top1., but .* nothing"):
        run(cfg)
    cfg = _config(tmp_path / "b")
    cfg.default_hooks.checkpoint.save_best = "knn_top5"
    with pytest.raises(UserError, match="waits for 'knn_top5', but measured are: knn_"):
        run(cfg)


def _stopping(work_dir, **options):
    cfg = _every_step(work_dir, best=True)
    cfg.default_hooks.checkpoint.interval = 3
    cfg.train_cfg.max_iters = 12
    hook = {"type": "EarlyStoppingHook", "monitor": "knn_top1", "patience": 2}
    cfg.custom_hooks = [{**hook, **options}]
    return cfg


def test_early_stopping_ends_and_saves_the_end(tmp_path, monkeypatch):
    steps = _measures(monkeypatch, {1: 10.0, 2: 30.0, 3: 20.0, 4: 20.0})
    run(_stopping(tmp_path))
    assert steps == [1, 2, 3, 4]
    assert (tmp_path / "last_checkpoint").read_text().endswith("iter_4.pth")
    assert _best(tmp_path) == "best_knn_top1_iter_2.pth"

    # Resumed, it has ended; with more patience it goes on.
    assert _resume(_stopping(tmp_path)).iter == 4
    more = {5: 20.0, 6: 20.0, 7: 20.0, 8: 20.0}
    steps = _measures(monkeypatch, more)
    assert _resume(_stopping(tmp_path, patience=5)).iter == 7
    assert steps == [5, 6, 7]


def test_early_stopping_resumed_ends_where_it_would_have(tmp_path, monkeypatch):
    scores = {1: 10.0, 2: 30.0, 3: 20.0, 4: 20.0, 5: 20.0}
    _measures(monkeypatch, scores)
    cfg = _stopping(tmp_path)
    cfg.custom_hooks = [*cfg.custom_hooks, {"type": "StopAt", "at": 3}]
    run(cfg)
    # The third measurement came behind the checkpoint: it is made again.
    assert _resume(_stopping(tmp_path)).iter == 4


def test_stock_names_mean_ours(tmp_path):
    from mmtaskssl.engine.hooks import CheckpointHook, EarlyStoppingHook
    from mmtaskssl.engine.run import build_runner

    cfg = _stopping(tmp_path)
    cfg.default_scope = "mmengine"
    cfg.custom_hooks = [{"type": "EarlyStoppingHook", "monitor": "acc"}]
    for key, hook in cfg.default_hooks.items():
        if key not in ("checkpoint", "timer", "logger", "runtime_info"):
            hook.type = f"mmtaskssl.{hook.type}".replace("mmtaskssl.Param", "Param")
    cfg.default_hooks.pop("sampler_seed"), cfg.default_hooks.pop("param_scheduler")
    cfg.visualizer = cfg.model = None
    kinds = {type(hook) for hook in _hooks_only(cfg, build_runner)}
    assert {CheckpointHook, EarlyStoppingHook} <= kinds


def _hooks_only(cfg, build_runner):
    from mmengine.model import BaseModel

    class Model(BaseModel):
        def forward(self, *args, **kwargs):
            return None

    cfg.model = Model()
    for key in ("train_dataloader", "train_cfg", "optim_wrapper", "param_scheduler"):
        cfg.pop(key, None)
    return build_runner(cfg).hooks
