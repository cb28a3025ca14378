"""Networks of timm and torchvision as backbones: their numbers and names."""

import copy

import pytest
import timm
import torch
from mmengine.config import Config
from torch import nn
from torchvision import models

from mmtaskssl.engine.starting import check_synchronisable
from mmtaskssl.models.backbones import TimmBackbone, TorchvisionBackbone
from mmtaskssl.networks import open_architecture, open_network
from mmtaskssl.registry import MODELS
from mmtaskssl.utils.errors import UserError

TIMM = ("test_efficientnet", "test_convnext", "test_vit")
CHAINS = ("shufflenet_v2_x0_5", "densenet121")


def images(side=64):
    return torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def lite(tmp_path_factory):
    """A small timm network with its classifier, and the file of its weights."""
    torch.manual_seed(1)
    net = timm.create_model("test_efficientnet")
    path = tmp_path_factory.mktemp("timm") / "w.pth"
    torch.save(net.state_dict(), path)
    return net.eval(), path


@pytest.mark.parametrize("name", TIMM)
@torch.no_grad()
def test_timm_gives_its_own_features_and_maps(name):
    options = {"img_size": 64} if "vit" in name else {}
    net = TimmBackbone(name, output="feature", **options).eval()
    own = timm.create_model(name, num_classes=0, **options)
    own.load_state_dict(net.state_dict())
    (feature,) = net(images())
    assert torch.equal(feature, own.eval()(images()))
    assert feature.shape == (2, *net.out_channels)
    maps = TimmBackbone(name, output="map", **options).eval()
    maps.load_state_dict(net.state_dict())
    (last,) = maps(images())
    assert last.dim() == 4 and last.shape[1:2] == maps.out_channels
    if name == "test_efficientnet":  # others normalise behind the pool
        torch.testing.assert_close(last.mean((2, 3)), feature)
    levels = TimmBackbone(name, out_indices=(0, 1), **options).eval()
    assert tuple(m.shape[1] for m in levels(images())) == levels.out_channels


def test_a_transformer_gives_its_feature_unless_asked_for_more():
    assert TimmBackbone("test_vit").output == "feature"
    assert TimmBackbone("test_resnet").output == "map"
    with torch.device("meta"):
        assert TorchvisionBackbone("vit_b_16").output == "feature"


@pytest.mark.parametrize("name", CHAINS)
@torch.no_grad()
def test_torchvision_gives_its_own_features_and_maps(name):
    net = TorchvisionBackbone(name).eval()
    (last,) = net(images())
    assert last.shape[1:2] == net.out_channels
    torch.testing.assert_close(last.mean((2, 3)), net.body(images()).flatten(1))
    own = models.get_model(name, weights=None)
    missing = own.load_state_dict(net.state_dict(), strict=False).missing_keys
    assert missing and all(key.startswith(("classifier", "fc")) for key in missing)


@torch.no_grad()
def test_a_resnets_levels():
    net = TorchvisionBackbone("resnet18", out_indices=(0, 2, 3), frozen_stages=1)
    assert net.out_channels == (64, 256, 512)
    assert [m.shape[1] for m in net.eval()(images())] == [64, 256, 512]
    net.train()
    frozen = {n for n, p in net.body.named_parameters() if not p.requires_grad}
    assert {name.split(".")[0] for name in frozen} == {
        "conv1",
        "bn1",
        "layer1",
        "layer2",
    }
    assert not net.body.layer2[1].bn1.training and net.body.layer3[0].bn1.training
    whole = TorchvisionBackbone("resnet18", norm_eval=True).train()
    assert not any(m.training for m in whole.modules() if isinstance(m, nn.BatchNorm2d))


def test_weights_of_a_file_all_or_nothing(lite, tmp_path):
    net, path = lite
    loaded = TimmBackbone("test_efficientnet", weights=str(path)).eval()
    with torch.no_grad():
        feature = loaded(images())[0].mean((2, 3))
        net.reset_classifier(0)
        torch.testing.assert_close(feature, net(images()))
    with pytest.raises(UserError, match="belongs to another architecture"):
        TimmBackbone("test_resnet", weights=str(path))
    with pytest.raises(UserError, match="not at hand"):
        TimmBackbone("resnet18", weights="default")
    with pytest.raises(UserError, match="cannot build 'no_such'"):
        TimmBackbone("no_such")
    with pytest.raises(UserError, match="no model 'hf-hub:x/y'"):
        TimmBackbone("hf-hub:x/y")
    with pytest.raises(UserError, match="must be levels 0 to"):
        TimmBackbone("test_resnet", out_indices=(9,))
    with pytest.raises(UserError, match="frozen_stages"):
        TimmBackbone("test_resnet", frozen_stages=9)


def model(path=None):
    return {
        "type": "MoCo",
        "queue_len": 8,
        "feat_dim": 4,
        "backbone": {
            "type": "TimmBackbone",
            "name": "test_efficientnet",
            "weights": path,
        },
        "neck": {
            "type": "mmselfsup.MoCoV2Neck",
            "in_channels": 256,
            "hid_channels": 8,
            "out_channels": 4,
        },
        "head": {
            "type": "mmselfsup.ContrastiveHead",
            "loss": {"type": "mmcls.CrossEntropyLoss"},
            "temperature": 0.2,
        },
    }


def test_an_algorithm_starts_with_the_files_weights(lite, tmp_path):
    """Also its momentum encoder, and through the whole of a checkpoint's way."""
    net, path = lite
    moco = MODELS.build({**model(str(path)), "_scope_": "mmtaskssl"})
    moco.init_weights()
    loss = moco.to(memory_format=torch.channels_last).loss([images(), images(32)])[
        "loss"
    ]
    loss.backward()
    weight = net.state_dict()["conv_stem.weight"]
    assert torch.equal(moco.backbone.state_dict()["conv_stem.weight"], weight)
    state = moco.state_dict()
    assert torch.equal(state["encoder_k.module.0.conv_stem.weight"], weight)
    assert not any("body." in key for key in state)
    copy.deepcopy(moco).load_state_dict(state)
    torch.save({"state_dict": state, "meta": {}}, tmp_path / "ckpt.pth")
    config = Config({"default_scope": "mmtaskssl", "model": model("elsewhere.pth")})
    for source in ("online", "ema"):
        opened = open_network(config, tmp_path / "ckpt.pth", source=source)
        assert torch.equal(opened.backbone.state_dict()["conv_stem.weight"], weight)
    assert opened.cost(shape=64).params == sum(
        p.numel() for p in moco.backbone.parameters()
    )
    assert open_architecture(config).cost(shape=64) == opened.cost(shape=64)
    with pytest.raises(UserError, match="has no sub-nets, and is no export of ours"):
        open_network(config, tmp_path / "ckpt.pth", subnets=True)


def test_norms_that_hold_activations_are_not_synchronised():
    """Conversion would keep the norm alone, and the network would be another one."""
    with pytest.raises(UserError, match="BatchNormAct2d, which also holds"):
        check_synchronisable(TimmBackbone("test_efficientnet"))
    check_synchronisable(nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)))
