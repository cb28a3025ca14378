"""Networks that were trained alone, exported like sub-nets."""

import json

import pytest
import torch
from mmengine.config import Config

from mmtaskssl.networks import open_network
from mmtaskssl.networks.plain import as_elastic
from mmtaskssl.registry import MODELS
from mmtaskssl.utils.errors import UserError
from tests.test_models.test_backbones._nets import randomize
from tests.test_tools._tools import load_tool

_SMALL = {"stem_channels": 8, "base_channels": 8}
_KINDS = {
    "basic": {"type": "mmselfsup.ResNet", "depth": 18, **_SMALL},
    "bottleneck": {"type": "mmselfsup.ResNet", "depth": 50, **_SMALL},
    "cifar": {
        "type": "mmtaskssl.SubnetResNet",
        "subnet": "s8-w8.12.20-d1.2.1",
        "arch": {"kind": "resnet", "block": "basic", "stem_kernel": 3},
        "norm_cfg": {"type": "BN", "eps": 1e-3},
        "strides": (1, 2, 2),
        "dilations": (1, 1, 1),
    },
}
_NAMES = {
    "basic": "s8-w8.16.32.64-d2.2.2.2",
    "bottleneck": "s8-w8.16.32.64-d3.4.6.3",
    "cifar": "s8-w8.12.20-d1.2.1",
}


def build(config):
    plain = randomize(MODELS.build(config))
    plain.eval()  # in its own line: the hosts' ResNet returns None from it
    return plain


@pytest.mark.parametrize("kind", _KINDS)
def test_computes_the_same_at_any_size(kind):
    plain = build(_KINDS[kind])
    elastic = as_elastic(plain)
    assert elastic.space.max.name == _NAMES[kind]
    images = torch.randn(2, 3, 48, 40)
    with torch.no_grad():
        torch.testing.assert_close(elastic(images)[-1], plain(images)[-1])


def test_what_no_subnet_is():
    basic = _KINDS["basic"]
    for change in (
        {"deep_stem": True},
        {"strides": (1, 2, 2, 1)},
        {"dilations": (1, 1, 1, 2), "strides": (1, 2, 2, 1)},
        {"avg_down": True},
    ):
        assert as_elastic(build({**basic, **change})) is None
    assert as_elastic(build({**_KINDS["bottleneck"], "style": "caffe"})) is None
    assert as_elastic(torch.nn.Conv2d(3, 4, 1)) is None
    other = Config({"model": {"backbone": {"type": "mmcls.MobileNetV2"}}})
    with pytest.raises(UserError, match="no plain ResNet"):
        open_network(other, "random", subnets=True)


def test_a_pretraining_is_exported_as_its_only_subnet(tmp_path):
    plain = build(_KINDS["basic"])
    (tmp_path / "c.py").write_text(f"model = dict(backbone={_KINDS['basic']})")
    state = {f"backbone.{k}": v for k, v in plain.state_dict().items()}
    torch.save({"state_dict": state}, tmp_path / "net.pth")
    files = str(tmp_path / "c.py"), str(tmp_path / "net.pth")
    out = tmp_path / "out"
    load_tool("export_subnet").main([*files, "--subnet", "MAX", "--out", str(out)])
    folder = out / _NAMES["basic"]
    meta = json.loads((folder / "meta.json").read_text())
    assert meta["stock_resnet"] == {"depth": 18, "base_channels": 8}
    weights = torch.load(folder / "weights.pth", weights_only=True)
    assert weights.keys() == plain.state_dict().keys()
    assert all(torch.equal(weights[k], v) for k, v in plain.state_dict().items())


def test_weights_of_another_architecture(tmp_path):
    torch.save({"state_dict": {"backbone.x": torch.zeros(1)}}, tmp_path / "net.pth")
    config = Config({"model": {"backbone": _KINDS["basic"]}})
    with pytest.raises(UserError, match="another architecture"):
        open_network(config, tmp_path / "net.pth", subnets=True)
