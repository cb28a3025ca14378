import math

import pytest
import torch

from mmtaskssl.engine.hooks import CollapseMonitorHook
from mmtaskssl.evaluation.spectrum import effective_rank, embedding_std
from mmtaskssl.utils.errors import UserError
from tests.test_engine._runs import debug_config, run
from tests.test_engine.test_resume import _assert_identical, _state
from tests.test_models.test_algorithms._slimmable import NAMES, batch, build

_DATA = {"type": "SyntheticImages", "num_images": 24, "num_classes": 3, "size": 40}


def _watched(algorithm, tmp_path, **options):
    cfg = debug_config(algorithm, tmp_path)
    cfg.default_hooks.collapse = {"type": "CollapseMonitorHook", "interval": 4}
    cfg.default_hooks.collapse.update(options)
    return cfg


def _hook(model, **options):
    hook = CollapseMonitorHook(**options)
    hook._batch = {"inputs": batch(0)}
    return hook, hook.measure(model)


def test_spread_and_rank_of_each_width():
    model = build()
    _, found = _hook(model)
    assert list(found) == ["MAX", NAMES[1], "MIN"]
    for name, (spread, rank) in found.items():
        with torch.no_grad():
            z = model.project(batch(0)[0], model.backbone.resolve(name))
        assert spread == pytest.approx(embedding_std(z) * math.sqrt(10), rel=1e-5)
        assert rank == pytest.approx(effective_rank(z), rel=1e-5)


def test_the_model_is_left_as_it_was():
    model = build()
    model.neck.eval()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    random_state = torch.get_rng_state()
    _hook(model, num_images=4)
    _assert_identical(before, dict(model.state_dict()))
    assert torch.equal(random_state, torch.get_rng_state())
    assert model.training and not model.neck.training


@pytest.mark.parametrize("dataset", [None, _DATA])
def test_it_leaves_the_training_alone_and_logs(tmp_path, dataset):
    plain = run(debug_config("byol", tmp_path / "plain"))
    cfg = _watched("byol", tmp_path / "watched", dataset=dataset)
    watched = run(cfg)
    _assert_identical(_state(plain), _state(watched))
    scalars = watched.message_hub.log_scalars
    assert len(scalars["val/network/embedding_spread"].data[0]) == 3
    assert 1 < scalars["val/network/effective_rank"].current() <= 16


def test_a_collapse_stops_the_training_after_the_patience(tmp_path):
    cfg = _watched("simsiam", tmp_path, interval=2, begin=2, patience=3)
    # All weights to zero: every image has the same embedding.
    cfg.optim_wrapper.optimizer = {"type": "SGD", "lr": 1.0, "weight_decay": 1.0}
    cfg.param_scheduler = []
    with pytest.raises(UserError, match="network have collapsed at iteration 8") as e:
        run(cfg)
    assert "\n" not in str(e.value)


def test_a_healthy_training_is_not_stopped(tmp_path):
    assert run(_watched("mocov2", tmp_path, patience=1)).iter == 12


def test_bad_numbers():
    for options in ({"interval": 0}, {"patience": 0}, {"num_images": 1}):
        with pytest.raises(UserError, match="CollapseMonitorHook needs"):
            CollapseMonitorHook(**options)
