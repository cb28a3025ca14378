"""Weights that are no numbers are refused, wherever they come in."""

import pytest
import timm
import torch
from mmengine.config import Config

from mmtaskssl.apis import pretrain
from mmtaskssl.models.backbones import SubnetResNet
from mmtaskssl.networks import open_network
from mmtaskssl.utils.errors import UserError
from mmtaskssl.weights import check_finite

CONFIG = "configs/selfsup/simsiam/simsiam_resnet18-w8_1xb16-coslr-12i_debug-32px.py"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_network(tmp_path, value):
    state = timm.create_model("test_efficientnet", pretrained=False).state_dict()
    good, bad = tmp_path / "good.pth", tmp_path / "bad.pth"
    torch.save(state, good)
    state["blocks.0.0.bn1.running_var"][0] = value
    torch.save(state, bad)
    open_network(f"timm:test_efficientnet={good}")
    with pytest.raises(UserError, match=r"bad.pth is of no use: 1 of the .* tensors "):
        open_network(f"timm:test_efficientnet={bad}")


def test_a_checkpoint_and_a_start(tmp_path):
    done = pretrain(CONFIG, iters=1, work_dir=tmp_path / "one")
    content = torch.load(done.checkpoint, weights_only=False)
    key = "backbone.layer4.1.conv2.weight"
    content["state_dict"][key][0] = float("nan")
    torch.save(content, tmp_path / "bad.pth")
    said = f"1 of the .* tensors hold NaN or infinity, such as .*{key.split('.', 1)[1]}"
    cfg = Config.fromfile(CONFIG)
    with pytest.raises(UserError, match=said):
        open_network((cfg, str(tmp_path / "bad.pth")))
    with pytest.raises(UserError, match=said):
        pretrain(CONFIG, weights=tmp_path / "bad.pth", work_dir=tmp_path / "two")
    cfg.load_from = str(tmp_path / "bad.pth")
    with pytest.raises(UserError, match=said):
        pretrain(cfg, iters=1, work_dir=tmp_path / "three")
    torch.save(content, tmp_path / "one" / "iter_1.pth")
    with pytest.raises(UserError, match=said):
        pretrain(CONFIG, iters=2, work_dir=tmp_path / "one", resume=True)


def test_masks_may_be_infinite():
    network = SubnetResNet("s8-w8.8.8.8-d1.1.1.1")
    network.register_buffer("mask", torch.full((2,), float("-inf")))
    check_finite(network, network.state_dict(), "a file", "backbone")
