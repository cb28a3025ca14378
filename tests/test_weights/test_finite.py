"""Weights that are no numbers are refused, wherever they come in."""

import copy

import pytest
import timm
import torch
from mmengine.config import Config

from mmtaskssl.apis import calibrate, export, pretrain
from mmtaskssl.export.bundle import make_export
from mmtaskssl.export.calibration import Calibration
from mmtaskssl.features.extractor import FeatureExtractor
from mmtaskssl.features.opening import open_extractor
from mmtaskssl.models.backbones import DynamicResNet, SubnetResNet, TimmBackbone
from mmtaskssl.networks import Network, open_network
from mmtaskssl.networks.start import start_from
from mmtaskssl.transfer.export_init import ExportInit
from mmtaskssl.utils.errors import UserError
from mmtaskssl.weights import check_finite, load_weights

CONFIG = "configs/selfsup/simsiam/simsiam_resnet18-w8_1xb16-coslr-12i_debug-32px.py"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize(
    "key", ["blocks.0.0.bn1.running_var", "conv_stem.weight", "bn1.bias"]
)
def test_a_network(tmp_path, key, value):
    state = timm.create_model("test_efficientnet", pretrained=False).state_dict()
    good, bad = tmp_path / "good.pth", tmp_path / "bad.pth"
    torch.save(state, good)
    state[key][0] = value
    torch.save(state, bad)
    open_network(f"timm:test_efficientnet={good}")
    with pytest.raises(UserError, match=r"bad.pth is of no use: 1 of the .* tensors "):
        open_network(f"timm:test_efficientnet={bad}")
    start = _Model(TimmBackbone("test_efficientnet"))
    with pytest.raises(UserError, match=rf"bad.pth is of no use: .* such as {key}"):
        start_from(start, bad)


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


@pytest.mark.parametrize(
    ("key", "change", "said"),
    [
        ("layer1.0.bn1.running_var", torch.neg, "1 of .* are variances below zero"),
        ("layer1.0.conv1.weight", torch.Tensor.char, "1 of .* hold whole numbers"),
    ],
)
def test_variances_and_whole_numbers(tmp_path, elastic, key, change, said):
    """Of a plain network and of one that goes into an elastic one."""
    plain = elastic.extract("MAX", uncalibrated_ok=True)
    state = plain.state_dict()
    state[key] = change(state[key])
    torch.save(state, tmp_path / "bad.pth")
    for network in (plain, copy.deepcopy(elastic)):
        with pytest.raises(UserError, match=rf"bad\.pth is of no use: {said}.*{key}"):
            start_from(_Model(network), tmp_path / "bad.pth")


def test_masks_may_be_infinite():
    network = SubnetResNet("s8-w8.8.8.8-d1.1.1.1")
    network.register_buffer("mask", torch.full((2,), float("-inf")))
    check_finite(network, network.state_dict(), "a file", "backbone")


@pytest.fixture(scope="module")
def elastic():
    space = {
        "kind": "list",
        "arch": {"kind": "resnet", "block": "basic", "stem_kernel": 7},
        "subnets": ["s8-w8.8.8.8-d1.1.1.1", "s8-w4.4.4.4-d1.1.1.1"],
    }
    torch.manual_seed(0)
    return DynamicResNet(space, out_indices=(3,)).eval()


def test_a_network_in_memory_whatever_takes_it(elastic):
    network = Network.of(copy.deepcopy(elastic), "mine")
    with torch.no_grad():
        network.backbone.layer1[0].conv1.weight[0] = float("nan")
    said = r"mine is of no use: 1 of the .* such as layer1\.0\.conv1\.weight"
    verbs = (open_network, open_extractor, export, _calibrated)
    for verb in verbs:
        with pytest.raises(UserError, match=said):
            verb(network)
    with pytest.raises(UserError, match=said):
        make_export(network, network.space.max, {})
    with pytest.raises(UserError, match="extractor is of no use"):
        FeatureExtractor(network.backbone, "x", "online")


def _calibrated(network):
    return calibrate(network, "MAX", ["a.png"])


def test_statistics_of_sub_nets(elastic, tmp_path):
    """In a calibrated checkpoint, and fresh from images."""
    backbone = copy.deepcopy(elastic)
    name = backbone.space.max.name
    width = sum(m.num_features for m in _norms(backbone))
    backbone.subnet_statistics.set(name, torch.full((2, width), float("inf")))
    said = rf"file\.pth is of no use.*subnet_statistics\.{name}"
    with pytest.raises(UserError, match=said):
        load_weights(backbone, backbone.state_dict(), ("",), source="file.pth")
    work = Calibration(Network.of(elastic), [], _Drawn(), False, None)
    with pytest.raises(UserError, match=f"statistics of sub-net {name} hold NaN"):
        work.result({name: torch.full((2, width), float("nan"))})


class _Drawn:
    def __len__(self):
        return 1

    def describe(self):
        return {}


def _norms(backbone):
    plain = backbone.extract("MAX", uncalibrated_ok=True)
    return [m for m in plain.modules() if isinstance(m, torch.nn.BatchNorm2d)]


def test_a_part_of_an_export_and_a_start(elastic, tmp_path):
    plain = elastic.extract("MAX", uncalibrated_ok=True)
    state = plain.state_dict()
    state["layer2.0.bn1.running_var"] = state["layer2.0.bn1.running_var"] * torch.inf
    torch.save(state, tmp_path / "bad.pth")
    said = r"bad\.pth is of no use: .* layer2\.0\.bn1\.running_var"
    with pytest.raises(UserError, match=said):
        ExportInit(str(tmp_path / "bad.pth"), allow_partial=True)(plain)
    wide = _Model(copy.deepcopy(elastic))
    with pytest.raises(UserError, match=said):
        start_from(wide, tmp_path / "bad.pth")


class _Model(torch.nn.Module):
    def __init__(self, backbone):
        super().__init__()
        self.backbone = backbone
