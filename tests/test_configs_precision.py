"""Configs for small machines leave number format and memory layout to the machine."""

import re

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

from mmtaskssl.config import load_config
from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.paths import resource_root

pytest.importorskip("mmdet")
pytest.importorskip("mmseg")

_CONFIGS = sorted(
    path
    for path in resource_root("configs").rglob("*.py")
    if "_base_" not in path.parts and "subnets" not in path.parts
)
# What their docstrings call for one or two CPU cores, and small detection and
# segmentation: none of a published recipe.
_SMALL = re.compile(
    r"(resnet10\S*_folder-40px|resnet-basic_1xb128\S*_folder-40px|cifar\S*_folder-32px|\S*_folder-64px"
    r"|(faster-rcnn|fcn)\S*_(debug-64px|bccd-\d+px|voc2007-small-\d+px|camvid-\d+px))$"
)


def test_no_config_fixes_a_format_that_a_cpu_may_emulate():
    texts = {path: path.read_text() for path in resource_root("configs").rglob("*.py")}
    assert [
        path for path, text in texts.items() if "BFloat16OptimWrapper" in text
    ] == []


@pytest.mark.parametrize("path", _CONFIGS, ids=lambda p: p.stem)
def test_small_configs_ask_the_machine_and_can_be_forced(path):
    cfg = load_config(str(path))
    init_default_scope(cfg.get("default_scope", "mmengine"))
    asks = cfg.optim_wrapper.type.endswith("AutoPrecisionOptimWrapper")
    small = bool(_SMALL.search(path.stem))
    assert asks or not small, path.stem
    if not asks:
        return
    hooks = [hook["type"] for hook in cfg.get("custom_hooks") or ()]
    assert not small or any(kind.endswith("ChannelsLastHook") for kind in hooks)
    for precision in ("float32", "bfloat16"):
        forced = load_config(str(path), {"optim_wrapper.precision": precision})
        forced.optim_wrapper.pop("paramwise_cfg", None)
        wrapper = build_optim_wrapper(torch.nn.Conv2d(3, 4, 3), forced.optim_wrapper)
        assert wrapper.dtype == getattr(torch, precision)
    cfg.optim_wrapper.precision = "half"
    with pytest.raises(UserError, match="'half'; it can be auto"):
        build_optim_wrapper(torch.nn.Conv2d(3, 4, 3), cfg.optim_wrapper)
