"""Measures without labels in training, their curves, and the early end."""

import copy

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmtaskssl.config import load_config
from mmtaskssl.config.held_out import hold_out
from mmtaskssl.engine.hooks import RepresentationHook
from mmtaskssl.evaluation.label_free import DIRECTIONS, label_free
from mmtaskssl.utils.errors import UserError
from tests.test_engine._runs import debug_config, run
from tests.test_engine.test_checkpoints import (
    _stop_at,  # noqa: F401  a fixture
)
from tests.test_engine.test_hooks import _scalars
from tests.test_engine.test_knn_subnets import elastic_config
from tests.test_engine.test_resume import _assert_identical, _state

HELD = 10


def hook_of(runner, name="RepresentationHook"):
    return next(h for h in runner.hooks if type(h).__name__ == name)


def held(cfg, **options):
    """Holds images out as the option does, and measures often."""
    hold_out(cfg, HELD)
    cfg.default_hooks.representation.update(
        {"interval": 2, "batch_size": 4, "views": 3, **options}
    )
    return cfg


def short(algorithm, work_dir, iters=4, **options):
    cfg = debug_config(algorithm, work_dir, train_cfg__max_iters=iters, **options)
    cfg.param_scheduler = [{"type": "LinearLR", "end": 8, "by_epoch": False}]
    cfg.default_hooks.checkpoint.interval = 2
    return cfg


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    work_dir = tmp_path_factory.mktemp("watched")
    return run(held(short("mocov2", work_dir))), work_dir


def test_what_is_held_out_does_not_train(watched):
    runner, _ = watched
    training, measuring = runner.train_dataloader.dataset, hook_of(runner).data
    assert (len(training), len(measuring)) == (64 - HELD, HELD)
    assert not {*training.image_ids} & {*measuring.image_ids}


def test_measuring_leaves_the_training_alone(watched, tmp_path):
    runner, _ = watched
    cfg = held(short("mocov2", tmp_path))
    for name in ("representation", "curves"):
        cfg.default_hooks.pop(name)
    _assert_identical(_state(run(cfg)), _state(runner))


def test_all_measures_are_logged_and_drawn(watched):
    _, work_dir = watched
    for name in DIRECTIONS:
        assert [step for step, _ in _scalars(work_dir, name)] == [2, 4], name
    assert [v for _, v in _scalars(work_dir, "enough")] == [0, 0]
    text = (work_dir / "curves.svg").read_text()
    assert text.startswith("<svg xmlns") and text.count("<polyline") == len(DIRECTIONS)


def test_the_measures_are_those_of_the_features(watched):
    """Against features made one image at a time, views by the batch's own draws."""
    runner, work_dir = watched
    hook, prepare = hook_of(runner), runner.model.data_preprocessor
    network = copy.deepcopy(runner.model.backbone)
    network.eval()
    plain, views = [], []
    for number, rows in enumerate([[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]):
        batch = {"inputs": [hook.data[row]["inputs"] for row in rows]}
        generator = np.random.default_rng([0, number])
        made = [prepare.random_views(batch, generator) for _ in range(2)]
        three = [*made[0], *made[1]][:3]
        with torch.no_grad():
            for i in range(len(rows)):
                one = {"inputs": [batch["inputs"][i]]}
                (image,) = prepare(one, False)["inputs"]
                plain.append(network(image)[-1].mean((2, 3))[0])
                each = [network(v[i : i + 1])[-1].mean((2, 3))[0] for v in three]
                views.append(torch.stack(each))
    expected = label_free(torch.stack(plain), torch.stack(views))
    found = {name: _scalars(work_dir, name)[-1][1] for name in DIRECTIONS}
    assert found == pytest.approx(expected, rel=1e-3, abs=1e-4)


def test_a_resumed_training_continues_its_curves(watched, tmp_path):
    runner, _ = watched
    first = held(short("mocov2", tmp_path))
    first.custom_hooks = [{"type": "StopAt", "at": 2}]
    run(first)
    second = held(short("mocov2", tmp_path))
    second.resume = True
    torch.manual_seed(12345)
    resumed = run(second)
    _assert_identical(_state(runner), _state(resumed))
    assert hook_of(resumed, "CurvesHook").curves == hook_of(runner, "CurvesHook").curves


def test_sub_nets_have_curves_of_their_own(tmp_path):
    cfg = held(elastic_config(tmp_path), subnets=["MAX", "MIN"], interval=12)
    run(cfg)
    for name in ("max/rankme", "min/lidar", "min/alignment"):
        assert len(_scalars(tmp_path, name)) == 1
    assert (tmp_path / "curves.svg").read_text().count("<polyline") == 10


def test_plain_views_alone(tmp_path):
    run(held(short("byol", tmp_path), views=0, source="ema"))
    assert len(_scalars(tmp_path, "rankme")) == 2
    assert not _scalars(tmp_path, "lidar")


def test_enough_ends_the_training(tmp_path, monkeypatch):
    values = {1: 1.0, 2: 3.0, 3: 3.05, 4: 3.05, 5: 9.0}
    lines = []

    def measure(self, runner, epoch, iters):
        from mmtaskssl.engine.metrics import publish_metrics

        lines.append(iters)
        scores = {"rankme": values[iters], "alignment": 1.0}
        publish_metrics(runner, scores, self._name, epoch, iters)

    monkeypatch.setattr(RepresentationHook, "_measure", measure)
    cfg = held(short("simsiam", tmp_path, iters=5), interval=1)
    cfg.default_hooks.curves.patience = 2
    stop = {"type": "EarlyStoppingHook", "monitor": "enough"}
    cfg.custom_hooks = [stop]
    runner = run(cfg)
    assert runner.iter == 4 and lines == [1, 2, 3, 4]
    assert hook_of(runner, "CurvesHook").levelled_off() == {"rankme": 2}
    # Stock early stopping by the measure itself, which knows the way it goes.
    lines.clear()
    stop = {"type": "EarlyStoppingHook", "monitor": "rankme", "patience": 2}
    cfg = held(short("simsiam", tmp_path / "b", iters=5), interval=1)
    cfg.custom_hooks = [{**stop, "min_delta": 1.0}]
    cfg.default_hooks.checkpoint.save_best = ["rankme", "alignment"]
    runner = run(cfg)
    assert runner.iter == 4
    assert [p.name for p in (tmp_path / "b").glob("best_rankme*")] == [
        "best_rankme_iter_3.pth"
    ]


def test_the_option_adds_what_it_needs():
    options = {"held_out": 8, "randomness.seed": 3, "max_iters": 50}
    config = "configs/selfsup/byol/byol_resnet18-w8_1xb16-coslr-12i_debug-32px.py"
    cfg = load_config(config, options)
    train, hook = cfg.train_dataloader.dataset, cfg.default_hooks.representation
    assert (train.type, train.count, train.seed) == ("mmtaskssl.HoldOutImages", 8, 3)
    assert hook.dataset == {**train, "held": True}
    assert (hook.interval, hook.by_epoch) == (5, False)
    assert load_config(cfg, {}).to_dict() == cfg.to_dict()
    # A printed config gets a selection below what is held out, in both parts.
    again = load_config(cfg, {"selection": "some.txt", "held_out": 4})
    for part in (
        again.train_dataloader.dataset,
        again.default_hooks.representation.dataset,
    ):
        assert part.count == 4 and part.dataset.type == "mmtaskssl.SelectedImages"
    none = load_config(cfg, {"held_out": 0})
    assert none.train_dataloader.dataset.type == "SyntheticImages"
    assert not {"representation", "curves"} & {*none.default_hooks}
    with pytest.raises(UserError, match="number of images, not 'many'"):
        load_config(config, {"held_out": "many"})


def test_keys_of_the_hooks_that_options_add_reach_them(tmp_path):
    config = "configs/selfsup/byol/byol_resnet18-w8_1xb16-coslr-12i_debug-32px.py"
    hooks = {"curves.patience": 1, "representation.views": 2, "knn.k": 5}
    options = {f"default_hooks.{key}": value for key, value in hooks.items()}
    options |= {"held_out": 8, "target": str(tmp_path)}
    found = load_config(config, options).default_hooks
    assert found.curves == {"type": "mmtaskssl.CurvesHook", "patience": 1}
    assert found.representation.type == "mmtaskssl.RepresentationHook"
    assert (found.representation.views, found.knn.k) == (2, 5)
    assert found.knn.type == "mmtaskssl.KNNHook"


def test_what_a_pipeline_would_cut_is_measured_whole():
    views = {"type": "PipelineImages", "source": "pool", "pipeline": [{"type": "Pack"}]}
    chosen = {"type": "SelectedImages", "selection": "some.txt", "dataset": views}
    loader = {"dataset": chosen}
    cfg = Config({"train_dataloader": loader, "train_cfg": {"max_epochs": 40}})
    hold_out(cfg, 6)
    assert cfg.train_dataloader.dataset.dataset == chosen
    hook = cfg.default_hooks.representation
    assert (hook.interval, hook.by_epoch) == (4, True)
    plain = {"type": "mmtaskssl.UnlabeledImages", "source": "pool"}
    assert hook.dataset.dataset == {**chosen, "dataset": plain}


def test_several_targets_by_option(tmp_path):
    config = "configs/selfsup/byol/byol_resnet18-w8_1xb16-coslr-12i_debug-32px.py"
    cfg = load_config(config, {"target": ["/data/x/cars", "/data/y/cars", "/data/z"]})
    train = cfg.default_hooks.knn.train
    assert [*train] == ["x-cars", "y-cars", "data-z"]
    assert train["y-cars"].source == "/data/y/cars/train"
    with pytest.raises(UserError, match="names no folder, or one twice"):
        load_config(config, {"target": ["/data/x", "/data/x/"]})
    with pytest.raises(UserError, match="a folder or a list"):
        load_config(config, {"target": 3})
