"""Names of weights in torchvision, timm and detectron2, and back."""

import hashlib
import pickle
from pathlib import Path

import pytest
import torch
import torchvision

from mmtaskssl.transfer.convert import convert_names, read_weights, write_weights
from mmtaskssl.transfer.publish import publish
from mmtaskssl.utils.errors import UserError
from tests.test_tools._tools import failure_of, load_tool

# detectron2/modeling/backbone/resnet.py: BasicStem, BottleneckBlock.
_DETECTRON2 = {
    "conv1.weight": "stem.conv1.weight",
    "bn1.running_mean": "stem.conv1.norm.running_mean",
    "layer1.0.conv1.weight": "res2.0.conv1.weight",
    "layer1.0.bn3.bias": "res2.0.conv3.norm.bias",
    "layer1.0.downsample.0.weight": "res2.0.shortcut.weight",
    "layer1.0.downsample.1.running_var": "res2.0.shortcut.norm.running_var",
    "layer4.2.bn2.weight": "res5.2.conv2.norm.weight",
}


def _resnet():
    torch.manual_seed(0)
    return torchvision.models.resnet18().state_dict()


def _same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def test_detectron2s_names():
    weights = {name: torch.zeros(1) for name in _DETECTRON2}
    converted, left = convert_names(weights, "detectron2")
    assert list(converted) == list(_DETECTRON2.values()) and not left
    full = {f"backbone.bottom_up.{name}": value for name, value in converted.items()}
    back, _ = convert_names(full, "detectron2", back=True)
    # Strict loading asks for the counters, which detectron2 does not have.
    assert back.pop("layer1.0.downsample.1.num_batches_tracked") == 0
    assert _same(back, weights)


@pytest.mark.parametrize("framework", ["torchvision", "timm", "detectron2"])
def test_there_and_back_of_a_resnet(framework):
    weights = _resnet()
    there, left = convert_names(weights, framework)
    assert {"fc.weight", "fc.bias"} <= set(left)
    back, left = convert_names(there, framework, back=True)
    expected = {k: v for k, v in weights.items() if not k.startswith("fc.")}
    assert _same(back, expected) and not left


def test_export_is_torchvisions(resnet_export):
    weights = torch.load(resnet_export / "weights.pth", weights_only=True)
    converted, left = convert_names(weights, "torchvision")
    assert _same(converted, weights) and not left


def test_timms_mobilenet_computes_the_same():
    timm = pytest.importorskip("timm")
    torch.manual_seed(0)
    ours = torchvision.models.mobilenet_v3_large().eval()
    weights = {k: v for k, v in ours.state_dict().items() if k.startswith("features.")}
    there, left = convert_names(weights, "timm")
    assert not left
    theirs = timm.create_model("mobilenetv3_large_100").eval()
    missing, unexpected = theirs.load_state_dict(there, strict=False)
    assert not unexpected
    assert all(key.startswith(("conv_head.", "classifier.")) for key in missing)
    for module in theirs.modules():  # torchvision's MobileNetV3 has its own
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eps = 1e-3
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(
            theirs.blocks(theirs.bn1(theirs.conv_stem(x))),
            ours.features(x),
            rtol=1e-4,
            atol=1e-5,
        )
    assert _same(convert_names(there, "timm", back=True)[0], weights)


def test_tool_and_detectron2s_pickle(tmp_path):
    tool = load_tool("model_converters/convert_names")
    torch.save(_resnet(), tmp_path / "in.pth")
    out = tmp_path / "out.pkl"
    tool.main([str(tmp_path / "in.pth"), str(out), "--to", "detectron2"])
    assert pickle.loads(out.read_bytes())["matching_heuristics"] is True
    tool.main([str(out), str(tmp_path / "back.pth"), "--from", "detectron2"])
    back = torch.load(tmp_path / "back.pth", weights_only=True)
    assert torch.equal(back["conv1.weight"], _resnet()["conv1.weight"])


def test_a_pickle_with_code_is_refused(tmp_path):
    (tmp_path / "bad.pkl").write_bytes(pickle.dumps({"model": print}))
    with pytest.raises(UserError, match="holds more than arrays"):
        read_weights(tmp_path / "bad.pkl")


def test_other_networks_are_refused():
    with pytest.raises(UserError, match="no weights of a backbone as exports have"):
        convert_names({"blocks.0.attn.qkv.weight": torch.zeros(1)}, "torchvision")
    with pytest.raises(UserError, match="no MobileNetV3"):
        convert_names({"features.0.0.weight": torch.zeros(1)}, "detectron2")


def test_a_small_mobilenet_is_refused():
    from torchvision.models import mobilenet_v3_small

    with pytest.raises(UserError, match="this is no MobileNetV3-Large: features"):
        convert_names(mobilenet_v3_small().state_dict(), "timm")
    names = {"conv_stem.weight": torch.zeros(1), "bn1.weight": torch.zeros(1)}
    with pytest.raises(UserError, match="these are timm's names of a MobileNetV3"):
        convert_names(names, "torchvision", back=True)


def test_publish_keeps_its_input_and_every_class(tmp_path):
    """mmseg's data sets have a label map, which is None."""
    file = tmp_path / "net.pth"
    meta = {"dataset_meta": {"classes": ("a", "b"), "label_map": None}}
    content = {"state_dict": {"a": torch.ones(1)}, "meta": meta, "optimizer": {}}
    torch.save(content, file)
    path, _, _ = publish(file, file)
    assert torch.load(file, weights_only=True).keys() == content.keys()
    assert torch.load(path, weights_only=True)["meta"] == meta
    assert publish(file, tmp_path / "net.pth")[0] == path


def test_publish(tmp_path):
    weights = {"backbone.conv1.weight": torch.randn(8, 3, 3, 3)}
    optimizer = {"state": {0: {"momentum_buffer": torch.zeros(10000)}}}
    meta = {"cfg": "model = dict()", "dataset_meta": {"classes": ("a",)}, "iter": 1}
    content = {"state_dict": weights, "optimizer": optimizer, "meta": meta}
    torch.save(content, tmp_path / "iter_1.pth")
    tool = load_tool("model_converters/publish_model")
    tool.main([str(tmp_path / "iter_1.pth"), str(tmp_path / "net.pth")])
    (file,) = tmp_path.glob("net-*.pth")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert file.name == f"net-{digest[:8]}.pth"
    content = torch.load(file, weights_only=True)
    assert content.keys() == {"state_dict", "meta"}
    del meta["iter"]
    assert content["meta"] == meta
    assert _same(content["state_dict"], weights)


def test_a_checkpoint_with_code_is_published_where_it_is_trusted(tmp_path):
    content = {"state_dict": {"a": torch.ones(1)}, "more": Path(".")}
    torch.save(content, tmp_path / "in.pth")
    tool = load_tool("model_converters/publish_model")
    argv = [str(tmp_path / "in.pth"), str(tmp_path / "out.pth")]
    assert "say so with --trust-checkpoint" in failure_of(tool, argv)
    tool.main([*argv, "--trust-checkpoint"])
    (file,) = tmp_path.glob("out-*.pth")
    assert torch.load(file, weights_only=True)["meta"] == {}


def test_write_and_read(tmp_path):
    write_weights({"conv1.weight": torch.ones(2)}, tmp_path / "a.pth")
    assert read_weights(tmp_path / "a.pth")["conv1.weight"].tolist() == [1, 1]


def test_the_suffix_says_the_format(tmp_path):
    pytest.importorskip("safetensors")
    write_weights({"conv1.weight": torch.ones(2)}, tmp_path / "a.safetensors")
    found = read_weights(tmp_path / "a.safetensors")
    assert found["conv1.weight"].tolist() == [1, 1]
    with pytest.raises(UserError, match=r"a\.bin must end in \.pth, \.safetensors or"):
        write_weights(found, tmp_path / "a.bin")
