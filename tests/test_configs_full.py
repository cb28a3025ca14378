"""What the configs of full size have in common, and the arithmetic of their rates."""

from pathlib import Path

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

from mmtaskssl.config import load_config
from mmtaskssl.registry import MODELS

_ROOT = Path(__file__).resolve().parents[1] / "configs"
_FULL = sorted(
    path
    for method in ("selfsup", "data", "dspnet", "sdr", "transfer/classification")
    for path in (_ROOT / method).rglob("*.py")
    if "resnet50" in path.stem or "in1k" in path.stem
)
_BYOL = [path for path in _FULL if "byol" in path.stem and "16xb256" in path.stem]
# The paper's base rates by epochs (Grill et al., 2020, appendix), for a batch of 256.
_BASE_RATE = {100: 0.45, 300: 0.3}
_ONE_OF_A_KIND = (
    "byol_resnet50_16xb256-coslr-300e_in1k",
    "supernet-byol_dynamic-resnet_16xb256-coslr-300e_in1k",
    "dspnet-byol_slimmable-resnet50_16xb256-coslr-300e_in1k",
    "supernet-mocov2_dynamic-resnet_16xb64-coslr-200e_in1k",
)


@pytest.fixture(autouse=True)
def scope():
    init_default_scope("mmtaskssl")


def test_there_are_some():
    assert len(_FULL) > 25 and len(_BYOL) == 10


@pytest.mark.parametrize("path", _FULL, ids=lambda p: p.stem)
def test_full_size_is_set_up_for_gpus(path):
    cfg = load_config(str(path))
    assert cfg.optim_wrapper.type == "AutoPrecisionOptimWrapper"
    assert "precision" not in cfg.optim_wrapper  # a native bfloat16, or float32
    assert cfg.env_cfg.cudnn_benchmark is True
    assert [hook.type for hook in cfg.custom_hooks] == ["ChannelsLastHook"]
    # The rest of the runtime is still there.
    assert cfg.default_hooks.throughput.type == "ThroughputHook"
    assert cfg.env_cfg.dist_cfg.backend == "nccl"


@pytest.mark.parametrize("path", _BYOL, ids=lambda p: p.stem)
def test_byol_s_rates_are_the_paper_s(path):
    cfg = load_config(str(path))
    processes, images = map(int, path.stem.split("_")[2].split("-")[0].split("xb"))
    batch = processes * images
    assert batch == cfg.auto_scale_lr.base_batch_size == 4096
    epochs = cfg.train_cfg.max_epochs
    assert f"-{epochs}e_" in path.stem
    optimizer = cfg.optim_wrapper.optimizer
    assert optimizer.lr == pytest.approx(_BASE_RATE[epochs] * batch / 256)
    assert (optimizer.momentum, optimizer.weight_decay) == (0.9, 1e-6)
    assert (cfg.model.base_momentum, cfg.model.end_momentum) == (0.99, 1.0)


@pytest.mark.parametrize("name", _ONE_OF_A_KIND)
def test_the_number_format_leaves_the_optimizer_alone(name):
    (path,) = (path for path in _FULL if path.stem == name)
    cfg = load_config(str(path))
    with torch.device("meta"):
        model = MODELS.build(_without_item(cfg.model))
    ours = build_optim_wrapper(model, cfg.optim_wrapper)
    plain = build_optim_wrapper(model, {**cfg.optim_wrapper, "type": "OptimWrapper"})
    assert type(ours.optimizer) is type(plain.optimizer)
    assert ours.optimizer.defaults == plain.optimizer.defaults
    for mine, theirs in zip(ours.param_groups, plain.param_groups, strict=True):
        assert mine.pop("params") == theirs.pop("params") and mine == theirs
    if "byol" not in name:
        return
    # Neither decay nor a layer-wise rate for norms and biases, whatever their names.
    groups = build_optim_wrapper(model, cfg.optim_wrapper).param_groups
    for group in groups:
        for parameter in group["params"]:
            assert group["lars_exclude"] is (parameter.dim() == 1)
            assert (group["weight_decay"] == 0) is (parameter.dim() == 1)


def _without_item(model):
    """The host's ResNet asks a tensor for values, which one on `meta` has not."""
    if model.backbone.type == "mmselfsup.ResNet":
        model.backbone = {
            "type": "mmtaskssl.SubnetResNet",
            "subnet": "s64-w64.128.256.512-d3.4.6.3",
            "out_indices": (3,),
        }
    return model


def test_byol_s_residual_branches_start_at_zero():
    (path,) = (p for p in _BYOL if p.stem.startswith("byol_resnet50"))
    cfg = load_config(str(path))
    cfg.merge_from_dict(
        {"model.backbone.depth": 18, "model.neck.in_channels": 512}  # to be quick
    )
    model = MODELS.build(cfg.model)
    model.init_weights()
    last = [m.norm2.weight for m in model.backbone.modules() if hasattr(m, "norm2")]
    assert len(last) == 8 and all((weight == 0).all() for weight in last)
