"""The controls of slimmable trainings, and the tool that writes their configs."""

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmtaskssl.config import load_config
from mmtaskssl.networks.alone import individual_config
from mmtaskssl.registry import MODELS
from mmtaskssl.utils.errors import UserError
from tests.test_models.test_algorithms._slimmable import (
    CHANNELS,
    NAMES,
    build_config,
    model_config,
)
from tests.test_tools._tools import failure_of, load_tool

_DEBUG = (
    "configs/dspnet/dspnet-byol_slimmable-resnet18-w8_1xb16-coslr-12i_debug-32px.py"
)


@pytest.mark.parametrize("kind", ["BYOL", "MoCo", "SimSiam"])
@pytest.mark.parametrize("subnet", [*NAMES, "MIN"])
def test_the_network_is_the_one_that_export_gives(kind, subnet):
    slim = build_config(model_config(kind))
    cfg = Config({"model": model_config(kind)})
    alone = build_config(individual_config(cfg, subnet).model)
    expected = slim.backbone.extract(subnet).state_dict()
    found = alone.backbone.state_dict()
    assert {k: v.shape for k, v in found.items()} == {
        k: v.shape for k, v in expected.items()
    }
    assert alone.backbone.zero_init_residual is False
    assert cfg.model.type == f"mmtaskssl.Slimmable{kind}"  # left as it was


@pytest.mark.parametrize("kind", ["sliced", "per_width"])
def test_the_head_is_as_wide_as_the_subnets_was(kind):
    neck = {**model_config()["neck"], "in_channels": CHANNELS}
    if kind == "sliced":
        neck["slice_hidden"] = True
    else:
        neck = {k: v for k, v in neck.items() if k not in ("norm", "num_switches")}
        neck["type"] = "mmtaskssl.PerWidthNeck"
    cfg = Config({"model": model_config(neck=neck)})
    slim = build_config(cfg.model)
    alone = build_config(individual_config(cfg, "MIN").model)
    plain = slim.neck.extract(8, switch=2)
    linears = [m for m in plain if isinstance(m, torch.nn.Linear)]
    for mine, expected in zip(alone.neck.layers, linears, strict=True):
        assert mine.weight.shape == expected.weight.shape


_TAUGHT = "configs/distill/distill-{}_1xb16-coslr-12i_debug-32px.py"


@pytest.mark.parametrize(
    ("name", "subnet"),
    [("slimmable_resnet18-w8", "MIN"), ("supernet_resnet-basic", "R18")],
)
def test_a_student_of_many_is_taught_alone(name, subnet):
    cfg = load_config(_TAUGHT.format(name))
    with DefaultScope.overwrite_default_scope("mmtaskssl"):
        many = MODELS.build(cfg.model)
        alone = MODELS.build(individual_config(cfg, subnet).model)
    assert type(alone).__name__ == "Distill"
    one = many.backbone.resolve(subnet)
    assert {k: v.shape for k, v in alone.backbone.state_dict().items()} == {
        k: v.shape for k, v in many.backbone.extract(one, True).state_dict().items()
    }
    (head,) = (m for n, m in alone.named_modules() if n.endswith("head"))
    first = next(m for m in head.modules() if isinstance(m, torch.nn.Linear))
    assert first.in_features == many.backbone.out_channels(one)[-1]
    assert not any("Switchable" in type(m).__name__ for m in alone.modules())


def test_another_training_has_no_controls():
    with pytest.raises(UserError, match="trains BYOL"):
        individual_config(Config({"model": {"type": "mmtaskssl.BYOL"}}), "MIN")


def test_tool_writes_complete_configs(tmp_path, capsys):
    load_tool("misc/individual_configs").main([_DEBUG, str(tmp_path)])
    files = sorted(tmp_path.glob("*.py"))
    assert [str(file) for file in files] == sorted(capsys.readouterr().out.split())
    subnets = {load_config(str(f)).model.backbone.subnet for f in files}
    assert subnets == {"s8-w8.16.32.64-d2.2.2.2", "s4-w4.8.16.32-d2.2.2.2"}
    assert all(load_config(str(f)).model.type == "BYOL" for f in files)


def test_tool_tells_what_is_wrong(tmp_path):
    tool = load_tool("misc/individual_configs")
    assert "huge" in failure_of(tool, [_DEBUG, str(tmp_path), "--subnets", "huge"])
