"""Networks without sub-nets as exports: as they are, and through every door after."""

import dataclasses
import json

import pytest
import torch
from mmengine.config import Config

from mmtaskssl.apis import export, open_network, pretrain
from mmtaskssl.cli import export_subnet as cli
from mmtaskssl.config import ExportInfo, load_config
from mmtaskssl.models.features import pooled_feature
from mmtaskssl.registry import MODELS
from mmtaskssl.runs import verify
from mmtaskssl.utils.errors import UserError

from ..test_transfer._hosts import build, exported

CLASSIFIER = "transfer/classification/finetune_resnet10-w8_1xb16-coslr-12i_debug-32px"
PROBE = "transfer/classification/linear-probe_resnet10-w8_1xb16-coslr-12i_debug-32px.py"
DETECTOR = "transfer/detection/debug/faster-rcnn_fpn_1xb4-12i_debug-64px.py"
SEGMENTOR = "transfer/segmentation/debug/fcn_d8_1xb4-12i_debug-64px.py"
MMCLS = Config(
    {
        "default_scope": "mmtaskssl",
        "model": {"backbone": {"type": "mmcls.MobileNetV2", "widen_factor": 0.25}},
    }
)
SOURCES = {
    "timm": "timm:test_efficientnet",
    "torchvision": "torchvision:shufflenet_v2_x0_5",
    "mmcls": MMCLS,
}


def images(side=64):
    return torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Of each kind the network and the folder of its export."""
    root = tmp_path_factory.mktemp("exports")
    found = {}
    for kind, source in SOURCES.items():
        network = open_network(source, "random", seed=3)
        exports = export(network, image_size=64)
        exports.save(root / kind)
        found[kind] = network, exports[0], root / kind / exports[0].name
    return found


@pytest.mark.parametrize("kind", SOURCES)
@torch.no_grad()
def test_an_export_is_the_network(made, kind):
    network, one, folder = made[kind]
    feature = pooled_feature(network.backbone(images()))
    meta = json.loads((folder / "meta.json").read_text())
    assert meta["network"] == folder.name and meta["difference"] == 0
    assert meta["labels"] == "none" and meta["network_sha256"]
    cost = network.cost(shape=meta["image_size"])
    assert (meta["macs"], meta["params"]) == (cost.macs, cost.params)
    assert meta["output"]["channels"] == feature.shape[1]
    verify(folder)
    state = exported(folder)
    own = network.backbone.state_dict()
    assert state.keys() == own.keys()
    assert all(torch.equal(state[key], own[key]) for key in own)
    for opened in (open_network(folder), one.network):
        assert torch.equal(pooled_feature(opened.backbone(images())), feature)
        pixels = dataclasses.replace(network.preprocessing, image_size=64)
        assert opened.preprocessing == pixels
    assert folder.name in one.table() and "GMAC" in one.table()
    again = export(open_network(folder))[0]
    assert again.facts["plain_network"] == meta["plain_network"]
    assert (again.name, again.facts["labels"]) == (folder.name, "none")


def test_hosts_build_the_fragment(made):
    for kind, hosts in (("timm", "mmcls mmdet mmseg"), ("torchvision", "mmcls")):
        _, _, folder = made[kind]
        fragment = Config.fromfile(folder / "config.py")
        names = [key for key in fragment if key.endswith("_backbone")]
        assert names == [f"{host}_backbone" for host in hosts.split()]
        for name in names:
            config = fragment[name]
            config.pop("_delete_")
            model = MODELS.build(config)
            model.init_weights()
            weights = exported(folder)
            assert all(
                torch.equal(v, weights[k]) for k, v in model.state_dict().items()
            )
        if kind == "timm":
            assert [m.shape[1] for m in model(images())] == fragment.subnet_channels


@pytest.mark.parametrize("kind", ["timm", "mmcls"])
def test_a_classifier_has_the_own_output(made, kind):
    network, _, folder = made[kind]
    model = build(load_config(f"{CLASSIFIER}.py", {"backbone": str(folder)}))
    weights = exported(folder)
    own = model.backbone.state_dict()
    assert own.keys() == weights.keys()
    assert all(torch.equal(own[key], weights[key]) for key in own)
    model.eval()
    with torch.no_grad():
        feature = model.extract_feat(images())[-1]
        expected = pooled_feature(network.backbone(images()))
    assert torch.allclose(feature, expected, atol=1e-5)
    assert model.head.in_channels == expected.shape[1]


def test_a_probe_trains_the_head_alone(made):
    folder = made["timm"][2]
    model = build(load_config(PROBE, {"backbone": str(folder), "weights": "random"}))
    model.train()
    assert not any(p.requires_grad for p in model.backbone.parameters())
    norms = [m for m in model.backbone.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert norms and not any(norm.training for norm in norms)
    weights = exported(folder)  # an untrained control has others
    own = model.backbone.state_dict()
    assert not all(torch.equal(own[key], weights[key]) for key in weights)
    with pytest.raises(UserError, match="cannot be frozen as a whole"):
        load_config(PROBE, {"backbone": str(made["mmcls"][2])})


@pytest.mark.parametrize(
    ("name", "kind", "wanted"),
    [
        (DETECTOR, "timm", [4, 8, 16, 32]),
        (DETECTOR, "mmcls", [4, 8, 16, 32]),
        (SEGMENTOR, "timm", [4, 8, 8, 8]),
    ],
)
def test_detectors_and_segmentors_take_the_maps(made, name, kind, wanted):
    folder = made[kind][2]
    info = ExportInfo.read(folder)
    with torch.no_grad():
        cfg = load_config(name, {"backbone": str(folder)})
        assert cfg.find_unused_parameters  # the layers behind the last map
        model = build(cfg)
        own, weights = model.backbone.state_dict(), exported(folder)
        assert all(torch.equal(own[key], weights[key]) for key in weights)
        model.eval()
        maps = model.backbone(images())
        assert [64 // m.shape[-1] for m in maps] == wanted
        channels = [info.out_channels[i] for i in info.pyramid]
        assert [m.shape[1] for m in maps] == channels
        assert len(model.extract_feat(images())) >= 4


def test_frozen_stages_end_where_a_resnets_do(made):
    cfg = {"backbone": str(made["timm"][2]), "model.backbone.frozen_stages": 1}
    model = build(load_config(DETECTOR, cfg)).train()
    moved = [n for n, p in model.backbone.named_parameters() if p.requires_grad]
    assert moved[0].startswith("body.blocks.2")  # blocks.1 ends with stride 4


def test_a_training_flows_into_an_export(made, tmp_path, capsys):
    """What was continued keeps its names; the labels of its start are known."""
    network, _, folder = made["timm"]
    start = f"timm:test_efficientnet={folder / 'weights.pth'}"
    trained = pretrain(
        "selfsup/mocov2/mocov2_timm-test-efficientnet_1xb16-coslr-12i_debug-32px.py",
        iters=1,
        weights=start,
        work_dir=tmp_path / "work",
    )
    one = export(trained)[0]
    assert one.facts["image_size"] == 32 and not one.facts["output"]["pooled"]
    assert "ImageNet-1k" in one.facts["labels"]
    assert one.state.keys() == network.backbone.state_dict().keys()
    place = one.save(tmp_path / "backbone")
    assert open_network(place).weights_sha256 == open_network(trained).weights_sha256
    # Weights that were moved since, as a point of a line is, are another export.
    moved = dataclasses.replace(open_network(trained), changed={"line": 0.5})
    with pytest.raises(UserError, match="not made from the same inputs"):
        export(moved)[0].save(place)
    cli.main([start, "--out", str(tmp_path / "cli")])
    again = open_network(tmp_path / "cli" / "test_efficientnet")
    assert again.weights_sha256 == network.weights_sha256
    assert "TimmBackbone" in capsys.readouterr().out


def test_what_cannot_be_said(made, tmp_path):
    with pytest.raises(UserError, match="no feature maps of strides 4 to 32"):
        load_config(DETECTOR, {"backbone": str(made["torchvision"][2])})
    with pytest.raises(UserError, match=r"has no sub-nets, so none is s8-w8"):
        export(made["timm"][0], "s8-w8.8.8.8-d2.2.2.2")
    with pytest.raises(UserError, match="there is no export b0, but test_efficientnet"):
        export(made["timm"][0])["b0"]
    sizes = {"embed_dims": 8, "num_layers": 1, "num_heads": 1}
    sizes["feedforward_channels"] = 8
    vit = {"type": "mmcls.VisionTransformer", "arch": sizes, "img_size": 32}
    config = Config({"default_scope": "mmtaskssl", "model": {"backbone": vit}})
    with pytest.raises(UserError, match="its output is neither a map nor a vector"):
        export((config, "random"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"checkpoint_path": "x.pth"}, "is no argument"),
        ({"pretrained_cfg": {}}, "is no argument"),
        ({"weights": "x.pth"}, "is no argument"),
        ({"name": "hf-hub:someone/net"}, "no name of a network"),
        ({"type": "mmcls.TIMMBackbone"}, "no backbone of mmcls"),
        ({"type": "mmcls.models.build"}, "no backbone of mmcls"),
        ({"type": "mmcls.MobileNetV2", "init_cfg": {}, "name": ()}, "is no argument"),
    ],
)
def test_a_file_names_no_other_network(made, tmp_path, change, words):
    meta = json.loads((made["timm"][2] / "meta.json").read_text())
    meta["plain_network"] |= change
    (tmp_path / "meta.json").write_text(json.dumps(meta))
    with pytest.raises(UserError, match=words):
        ExportInfo.read(tmp_path, trained=False)


def test_layers_of_mmcls_are_known_ones(made, tmp_path):
    meta = json.loads((made["mmcls"][2] / "meta.json").read_text())
    meta["plain_network"]["norm_cfg"] = {"type": "os.system"}
    (tmp_path / "meta.json").write_text(json.dumps(meta))
    with pytest.raises(UserError, match="none of the layers"):
        ExportInfo.read(tmp_path, trained=False)
