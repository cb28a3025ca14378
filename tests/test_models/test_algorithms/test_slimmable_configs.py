"""Every slimmable config is whole, and so are its controls."""

import functools
from pathlib import Path

import pytest
import torch
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.registry import MODEL_WRAPPERS, DefaultScope

from mmtaskssl.config import load_config
from mmtaskssl.models.algorithms.elastic_ddp import ElasticDDP
from mmtaskssl.networks.alone import individual_config
from mmtaskssl.registry import MODELS
from tests.test_models.test_algorithms._elastic import fresh_hub

_FOLDER = Path(__file__).resolve().parents[3] / "configs" / "dspnet"
_CONFIGS = sorted(_FOLDER.glob("*.py"))
# The others differ from one of these in the length or the batch alone.
_NETWORKS = [p for p in _CONFIGS if "300e" not in p.stem and "8xb32" not in p.stem]


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope("mmtaskssl"):
        yield


def _build(cfg):
    with torch.device("meta"):
        return MODELS.build({**cfg.model, "_scope_": "mmtaskssl"})


@functools.cache
def _build_slimmable(path):
    cfg = load_config(str(path))
    return cfg, _build(cfg)


def test_there_are_configs_of_all_sizes():
    names = " ".join(path.stem for path in _CONFIGS)
    for part in ("debug", "64px", "100e_in1k", "300e_in1k", "8xb32", "mobilenet"):
        assert part in names


@pytest.mark.parametrize("path", _CONFIGS, ids=lambda p: p.stem)
def test_names_and_docstrings_tell_what_a_config_does(path):
    cfg = load_config(str(path))
    processes, per_process = map(int, path.stem.split("_")[2].split("-")[0].split("xb"))
    assert cfg.train_dataloader.batch_size == per_process
    if "debug" not in path.stem:
        assert cfg.auto_scale_lr.base_batch_size == processes * per_process
    # By the name that the runner looks up, which knows no default scope there.
    assert MODEL_WRAPPERS.get(cfg.model_wrapper_cfg.type) is ElasticDDP
    docstring = path.read_text().split('"""')[1]
    assert f"{path.stem}.py" in docstring


@pytest.mark.parametrize("path", _NETWORKS, ids=lambda p: p.stem)
def test_heads_and_optimizer_fit_every_width(path):
    cfg, model = _build_slimmable(path)
    space = model.backbone.space
    assert len(space) >= 2
    for subnet in (space.max, space.min):
        channels = model.backbone.out_channels(subnet)[-1]
        features = torch.empty(2, channels, 1, 1, device="meta")
        (z,) = model.neck([features], model.backbone.norm_view(subnet))
        if hasattr(model, "aux_predictor"):
            assert model._predict(z, subnet).shape == z.shape
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    assert isinstance(wrapper, OptimWrapper)
    if cfg.optim_wrapper.optimizer.type != "SafeLARS":
        return
    rates = {id(p): g for g in wrapper.param_groups for p in g["params"]}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            group = rates[id(parameter)]
            is_vector = parameter.dim() == 1
            assert group["lars_exclude"] is is_vector, name
            assert (group["weight_decay"] == 0) is is_vector, name


@pytest.mark.parametrize("path", _NETWORKS, ids=lambda p: p.stem)
def test_controls_differ_in_the_network_alone(path):
    cfg, slim = _build_slimmable(path)
    alone = individual_config(cfg, "MIN")
    assert {**alone, "model": 0} == {
        k: v for k, v in {**cfg, "model": 0}.items() if k != "model_wrapper_cfg"
    }
    model = _build(alone)
    assert type(model).__name__ in ("BYOL", "JointEmbedding", "MoCo", "SimSiam")
    assert not hasattr(model.backbone, "space")
    width = slim.backbone.out_channels("MIN")[-1]
    assert model.neck.layers[0].in_features == width
    assert alone.model.get("base_momentum") == cfg.model.get("base_momentum")
    kept = (slim.head.state_dict(), model.head.state_dict())
    assert [v.shape for v in kept[0].values()] == [v.shape for v in kept[1].values()]


@pytest.mark.parametrize(
    "path",
    [p for p in _CONFIGS if p.stem.endswith(("debug-32px", "folder-40px"))],
    ids=lambda p: p.stem,
)
def test_steps_run(path):
    fresh_hub()
    cfg = load_config(str(path))
    model = MODELS.build({**cfg.model, "_scope_": "mmtaskssl"}).train()
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    images = [torch.randint(256, (3, 40, 40), dtype=torch.uint8) for _ in range(4)]
    for _ in range(2):
        logs = model.train_step({"inputs": images}, wrapper)
    assert logs["loss"].isfinite()
