"""Every config of SDR is whole."""

from pathlib import Path

import pytest
import torch

from mmtaskssl.clustering.batches import with_cluster_batches
from mmtaskssl.config import load_config
from mmtaskssl.models.backbones import RoutedResNet
from mmtaskssl.registry import DATA_SAMPLERS, DATASETS, HOOKS, MODELS
from tests.test_models.test_algorithms._elastic import fresh_hub

_ROOT = Path(__file__).resolve().parents[1] / "configs" / "sdr"
_CONFIGS = sorted(_ROOT.glob("*.py"))


@pytest.mark.parametrize("path", _CONFIGS, ids=lambda p: p.stem)
def test_model_is_whole(path):
    cfg = load_config(str(path))
    fresh_hub(max_iters=100)
    # A ResNet-50 in no time; an average and LeJEPA's directions read their counter,
    # which needs a real one.
    counted = "byol" in path.stem or "lejepa" in path.stem
    with torch.device("cpu" if counted else "meta"):
        model = MODELS.build({**cfg.model, "_scope_": cfg.default_scope})
        side = cfg.model.data_preprocessor.view_size
        views = [torch.zeros(2, 3, side, side) for _ in range(2)]
        shared = model.prepare(views)
        loss = model.subnet_loss(views, shared, model.backbone.space.max)["loss"]
    assert loss.shape == ()
    assert isinstance(model.backbone, RoutedResNet)
    last = model.subnet_sampler.num_phases - 1
    live = model.subnet_sampler.live_paths(last)
    assert len(live) == len(model.backbone.space)
    words = path.stem.replace("-", "_").split("_")
    assert f"{len(live)}paths" in words
    if "debug" not in path.stem:
        monitor = HOOKS.build(cfg.default_hooks.monitor)
        watched = set(monitor.named_subnets(model).values())
        assert model.backbone.space.max in watched
        assert watched - {model.backbone.space.max} <= set(live)


@pytest.mark.parametrize("path", _CONFIGS, ids=lambda p: p.stem)
def test_names_docstrings_and_types(path):
    cfg = load_config(str(path), {"work_dir": "x"})
    algorithm, _, batch, *_ = path.stem.split("_")
    kind = {
        "routed-simsiam": "RoutedSimSiam",
        "routed-byol": "RoutedBYOL",
        "routed-lejepa": "RoutedJointEmbedding",
    }[algorithm]
    assert cfg.model.type == kind
    processes, per_process = map(int, batch.split("-")[0].split("xb"))
    assert cfg.train_dataloader.batch_size == per_process
    assert cfg.auto_scale_lr.base_batch_size == processes * per_process or (
        "debug" in path.stem
    )
    text = path.read_text()
    assert f"{path.stem}.py" in text.split('"""')[1]
    for hook in [*cfg.default_hooks.values(), *cfg.get("custom_hooks", [])]:
        assert HOOKS.get(hook.type), hook.type
    loader = cfg.train_dataloader
    assert DATASETS.get(loader.dataset.type) and DATASETS.get(
        loader.dataset.dataset.type
    )
    assert DATA_SAMPLERS.get(with_cluster_batches(loader)["batch_sampler"]["type"])
    assert cfg.train_cfg.type == "SeekableIterLoop"
    assert ("fixed_lr" in cfg.default_hooks) == (algorithm == "routed-simsiam")


@pytest.mark.parametrize("path", _CONFIGS, ids=lambda p: p.stem)
def test_options_take_other_images_and_clusters(path):
    if "debug" in path.stem:
        pytest.skip("generated images")
    cfg = load_config(str(path), {"images": "elsewhere", "clusters": "there"})
    assert cfg.train_dataloader.dataset.clusters == "there"
    assert cfg.train_dataloader.dataset.dataset.source == "elsewhere"
