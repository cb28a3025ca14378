import inspect

import pytest
from mmengine.runner import Runner

from mmtaskssl.config import load_config, metafiles
from mmtaskssl.config.load import RUNNER_KEYS
from mmtaskssl.utils.errors import UserError

_SMALL = "configs/selfsup/mocov2/mocov2_resnet18_1xb256-coslr-20k_folder-64px.py"


@pytest.mark.parametrize(
    ("max_iters", "warmup"), [(20000, 200), (2000, 200), (500, 50), (5, 1), (2, 1)]
)
def test_a_shortened_training_shortens_its_warmup(max_iters, warmup):
    cfg = load_config(_SMALL, {"max_iters": max_iters})
    linear, cosine = cfg.param_scheduler
    assert (linear.end, cosine.begin) == (warmup, warmup)
    assert cfg.train_cfg.max_iters == max_iters


def test_one_iteration_has_a_schedule_that_can_be_built():
    linear, cosine = load_config(_SMALL, {"max_iters": 1}).param_scheduler
    assert (linear.end, cosine.begin) == (1, 0)


def test_other_schedules_by_iteration_are_left_alone(tmp_path):
    path = tmp_path / "poly.py"
    path.write_text(
        "train_cfg = dict(type='IterBasedTrainLoop', max_iters=900)\n"
        "param_scheduler = [dict(type='PolyLR', begin=0, end=900, by_epoch=False)]\n"
    )
    cfg = load_config(str(path), {"max_iters": 100})
    assert cfg.param_scheduler[0].end == 900


def test_a_short_training_logs_its_loss_once(tmp_path):
    path = tmp_path / "config.py"
    path.write_text(
        "train_cfg = dict(max_iters=900)\n"
        "default_hooks = dict(logger=dict(type='LoggerHook', interval=50))\n"
    )
    found = [
        load_config(str(path), {"max_iters": n}).default_hooks.logger.interval
        for n in (10, 50, 200)
    ]
    assert found == [10, 50, 50]


def test_a_shortened_training_is_measured_at_its_end(tmp_path):
    path = tmp_path / "small.py"
    path.write_text("train_cfg = dict(max_iters=900, val_interval=300)\n")
    found = [
        load_config(str(path), {"max_iters": length}).train_cfg.val_interval
        for length in (100, 600, 1200)
    ]
    assert found == [100, 300, 300]
    options = {"max_iters": 100, "train_cfg.val_interval": 20}
    assert load_config(str(path), options).train_cfg.val_interval == 20


def test_the_keys_of_the_runner_are_known():
    mmengine = set(inspect.signature(Runner.__init__).parameters) - {"self"}
    assert mmengine <= RUNNER_KEYS


@pytest.mark.parametrize("variable", ["max_iters", "batch_size"])
@pytest.mark.parametrize("value", ["abc", 0, 1.5])
def test_a_count_is_a_number(variable, value):
    name = "selfsup/mocov2/mocov2_resnet10-w32_1xb128-coslr-2k_folder-40px.py"
    with pytest.raises(UserError, match=f"{variable} must be a number from 1 on"):
        load_config(name, {variable: value})


def test_metafiles_of_a_package_are_read_once(monkeypatch):
    pytest.importorskip("mmdet")
    read, ours = [], metafiles.load
    metafiles._read.cache_clear()
    monkeypatch.setattr(metafiles, "load", lambda path: read.append(path) or ours(path))
    name = "transfer/detection/debug/faster-rcnn_fpn_1xb4-12i_debug-64px.py"
    first, again = load_config(name), load_config(name)
    assert first.to_dict() == again.to_dict() and first is not again
    assert len(read) > 1 and len(set(read)) == len(read)
    assert metafiles.utils.load is ours  # mmengine's own callers read by its own
