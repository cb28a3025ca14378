"""Going on with another number of images a step."""

import math

import pytest
import torch

from mmtaskssl.engine.rescale import Batch, Rescale
from mmtaskssl.engine.run import build_runner
from mmtaskssl.utils.errors import UserError
from tests.test_engine._runs import debug_config, run
from tests.test_engine.test_checkpoints import (
    _plain_config_text,  # noqa: F401  a fixture
    _read,
    _stop_at,  # noqa: F401  a fixture
)


def _config(work_dir, batch_size=16, iters=8, accumulation=1, stop=None):
    cfg = debug_config("simsiam", work_dir, train_cfg__max_iters=iters)
    cfg.train_dataloader.batch_size = batch_size
    cfg.optim_wrapper.accumulative_counts = accumulation
    cfg.param_scheduler = [
        {"type": "LinearLR", "start_factor": 0.5, "end": 4, "by_epoch": False},
        {
            "type": "CosineAnnealingLR",
            "begin": 4,
            "end": iters,
            "T_max": iters - 4,
            "by_epoch": False,
        },
    ]
    cfg.default_hooks.checkpoint = {
        "type": "CheckpointHook",
        "interval": 4,
        "by_epoch": False,
    }
    if stop:
        cfg.custom_hooks = [{"type": "StopAt", "at": stop}]
    return cfg


def _rates(runner):
    return [group["lr"] for group in runner.optim_wrapper.optimizer.param_groups]


def _resumed(cfg, rescale):
    cfg.resume, cfg.resume_rescale = True, rescale
    return build_runner(cfg)


def test_a_checkpoint_knows_its_batch(tmp_path):
    run(_config(tmp_path, accumulation=2, stop=4))
    record = _read(tmp_path / "iter_4.pth")["meta"]["batch"]
    assert record == {
        "world_size": 1,
        "batch_size": 16,
        "accumulation": 2,
        "config_images": 16,
    }


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"batch_size": 8}, "of 16 images, and .* of 8 images: .*resume_rescale"),
        ({"accumulation": 4}, "of 16 images, and .* accumulated 4 times"),
    ],
)
def test_another_batch_is_refused(options, sentence, tmp_path):
    run(_config(tmp_path, stop=4))
    before = (tmp_path / "iter_4.pth").read_bytes()
    with pytest.raises(UserError, match=sentence):
        _resumed(_config(tmp_path, **options), rescale=False).train()
    assert (tmp_path / "iter_4.pth").read_bytes() == before


def test_an_old_checkpoint_resumes_with_a_note(tmp_path, monkeypatch):
    run(_config(tmp_path, stop=4))
    content = _read(tmp_path / "iter_4.pth")
    del content["meta"]["batch"]
    torch.save(content, tmp_path / "iter_4.pth")
    runner = _resumed(_config(tmp_path, batch_size=8), rescale=False)
    lines = []
    monkeypatch.setattr(runner.logger, "info", lambda text, *_: lines.append(str(text)))
    runner.train()
    assert len([line for line in lines if "make sure that they are" in line]) == 1


@pytest.mark.parametrize("batch_size", [8, 32])
def test_rescaled_by_images(batch_size, tmp_path):
    """Half the batch: twice the iterations, half the rate; and the reverse."""
    ratio = 16 / batch_size
    run(_config(tmp_path, stop=4))
    runner = _resumed(_config(tmp_path, batch_size=batch_size), rescale=True)
    seen = []
    runner.register_hook(_Seen(seen))
    runner.train()
    assert runner.iter == 8 * ratio
    assert seen[0][0] == 4 * ratio
    # As a training that began with that batch and the rate that belongs to it.
    fresh = _config(tmp_path / "fresh", batch_size=batch_size, iters=int(8 * ratio))
    for schedule in fresh.param_scheduler:
        for key in ("begin", "end", "T_max"):
            if key in schedule:
                schedule[key] = int({"T_max": 4}.get(key, 0) or schedule[key])
    fresh.param_scheduler[0].end = int(4 * ratio)
    fresh.param_scheduler[1].begin = int(4 * ratio)
    fresh.param_scheduler[1].end = int(8 * ratio)
    fresh.param_scheduler[1].T_max = int(4 * ratio)
    fresh.optim_wrapper.optimizer.lr = fresh.optim_wrapper.optimizer.lr / ratio
    expected = []
    plain = build_runner(fresh)
    plain.register_hook(_Seen(expected))
    plain.train()
    expected = [row for row in expected if row[0] >= 4 * ratio]
    assert [step for step, _ in seen] == [step for step, _ in expected]
    for (_, rates), (_, wanted) in zip(seen, expected, strict=True):
        assert rates == pytest.approx(wanted)


def _seen_class():
    from mmengine.hooks import Hook

    class Seen(Hook):
        def __init__(self, rows):
            self.rows = rows

        def before_train_iter(self, runner, batch_idx, data_batch=None):
            self.rows.append((runner.iter, _rates(runner)))

    return Seen


_Seen = _seen_class()


def test_rescaled_twice_and_back(tmp_path):
    """The config's counts are those of the first batch, however often it changed."""
    run(_config(tmp_path, stop=4))
    cfg = _config(tmp_path, batch_size=8, stop=12)
    runner = _resumed(cfg, rescale=True)
    runner.train()
    assert runner.iter == 12
    with pytest.raises(UserError, match="resume_rescale"):
        _resumed(_config(tmp_path, batch_size=8), rescale=False).train()
    again = _resumed(_config(tmp_path, batch_size=8), rescale=True)
    again.train()
    assert again.iter == 16
    back = _resumed(_config(tmp_path, batch_size=16, iters=12), rescale=True)
    back.train()
    assert back.iter == 12
    assert _read(tmp_path / "iter_12.pth")["meta"]["batch"]["config_images"] == 16


def test_accumulation_makes_up_for_fewer_images(tmp_path):
    """Half the images an iteration, twice the accumulation: the same rate."""
    run(_config(tmp_path, stop=4))
    runner = _resumed(_config(tmp_path, batch_size=8, accumulation=2), rescale=True)
    seen = []
    runner.register_hook(_Seen(seen))
    runner.train()
    assert runner.iter == 16
    lr = runner.cfg.optim_wrapper.optimizer.lr
    assert max(max(rates) for _, rates in seen) == pytest.approx(lr)


def test_what_counts_iterations_is_converted():
    rescale = Rescale(Batch(8, 32), Batch(4, 32), 256)
    schedule = {"type": "MultiStepLR", "milestones": [3, 5], "by_epoch": False}
    rescale._rewrite(schedule)
    assert schedule["milestones"] == [6, 10]
    decay = {"type": "ExponentialLR", "gamma": 0.25, "by_epoch": False}
    rescale._rewrite(decay)
    assert math.isclose(decay["gamma"], 0.5)
    by_epoch = {"type": "MultiStepLR", "milestones": [3], "by_epoch": True}
    rescale._rewrite(by_epoch)
    assert by_epoch["milestones"] == [3]
    with pytest.raises(UserError, match="ReduceOnPlateauLR"):
        rescale._rewrite({"type": "ReduceOnPlateauLR"})
