import json
import runpy

import pytest
import torch
from mmengine.config import Config

from mmtaskssl.export.bundle import write_bundle
from mmtaskssl.export.hosts import config_fragment
from mmtaskssl.models.backbones import DynamicResNet
from mmtaskssl.models.elastic import calibrate
from mmtaskssl.networks.choice import choose_subnets
from mmtaskssl.registry import MODELS
from mmtaskssl.subnets import cost
from mmtaskssl.utils.errors import UserError

from ._files import OTHER, STOCK, batches, write_files


@pytest.fixture
def files(tmp_path):
    def prepare(net):
        for name in (STOCK, OTHER):
            calibrate(net, name, batches())

    return write_files(tmp_path, prepare)


@pytest.fixture
def tool(repo_root):
    return runpy.run_path(str(repo_root / "tools" / "export_subnet.py"))["main"]


def test_tool_writes_weights_meta_and_config(files, tool, tmp_path, capsys):
    config, checkpoint, net = files
    out = tmp_path / "out"
    tool([config, checkpoint, "--subnet", STOCK, OTHER, "--out", str(out)])
    assert sorted(p.name for p in out.iterdir()) == sorted([STOCK, OTHER])
    assert "ResNet-18" in capsys.readouterr().out
    x = torch.randn(2, 3, 64, 64)
    for name in (STOCK, OTHER):
        folder = out / name
        assert sorted(p.name for p in folder.iterdir()) == [
            "config.py",
            "meta.json",
            "record.json",
            "weights.pth",
        ]
        meta = json.loads((folder / "meta.json").read_text())
        assert meta["image_size"] == 32  # of the views that it was trained on
        costs = cost(net.arch, net.resolve(name), 32)
        assert (meta["macs"], meta["params"]) == (costs.macs, costs.params)
        assert meta["difference"] < 1e-5 and meta["calibrated"]
        assert meta["source"]["encoder"] == "online"
        assert len(meta["source"]["checkpoint_sha256"]) == 64
        assert meta["out_channels"] == list(net.out_channels(name))
        state = torch.load(folder / "weights.pth", weights_only=True)
        plain = MODELS.build(meta["plain_network"])
        plain.load_state_dict(state, strict=True)
        with torch.no_grad():
            for a, b in zip(plain.eval()(x), net(x, name), strict=True):
                assert (a - b).abs().max() < 1e-5
        # the fragment's networks find their weights wherever the folder lies
        fragment = Config.fromfile(folder / "config.py")
        assert fragment.subnet_channels == meta["out_channels"]
        backbone = fragment.mmselfsup_backbone
        backbone.pop("_delete_")
        model = MODELS.build(backbone)
        model.init_weights()
        model.eval()  # returns None in the hosts
        with torch.no_grad():
            assert (model(x)[-1] - net(x, name)[-1]).abs().max() < 1e-5


def test_averaged_encoder(files, tool, tmp_path):
    config, checkpoint, net = files
    out = tmp_path / "out"
    options = ["--subnet", "MAX", "--source", "ema"]
    tool([config, checkpoint, *options, "--out", str(out)])
    state = torch.load(out / net.space.max.name / "weights.pth", weights_only=True)
    assert not torch.equal(state["conv1.weight"], net.conv1.weight)


def test_all_of_a_small_space_is_the_space(tool, tmp_path):
    def prepare(net):
        for subnet in list(net.space)[1:]:
            calibrate(net, subnet, batches(1))

    config, checkpoint, net = write_files(tmp_path, prepare)
    out = tmp_path / "out"
    with pytest.raises(UserError, match="mmtaskssl calibrate"):
        tool([config, checkpoint, "--all", "--out", str(out)])
    assert not out.exists()
    calibrate(net, net.space[0], batches(1))
    assert choose_subnets(net, None, True) == [net.space.max, *list(net.space)[:-1]]


def test_all_of_a_large_space_is_what_was_calibrated():
    net = DynamicResNet("data_basic")
    assert choose_subnets(net, None, True) == [net.space.max]
    calibrate(net, "R18", batches(1))
    assert choose_subnets(net, None, True) == [net.space.max, net.resolve("R18")]


def test_of_one_sub_net_none_has_to_be_named():
    arch = {"kind": "resnet", "block": "basic", "stem_kernel": 7}
    one = ["s8-w8.16.32.64-d1.1.1.1"]
    net = DynamicResNet({"kind": "list", "arch": arch, "subnets": one})
    assert choose_subnets(net, None, False) == [net.space.max]
    with pytest.raises(UserError, match="name sub-nets with"):
        choose_subnets(DynamicResNet("data_basic"), None, False)


def test_safetensors(files, tool, tmp_path):
    safetensors = pytest.importorskip("safetensors.torch")
    config, checkpoint, net = files
    out = tmp_path / "out"
    options = ["--subnet", STOCK, "--format", "safetensors", "--out", str(out)]
    tool([config, checkpoint, *options])
    state = safetensors.load_file(out / STOCK / "weights.safetensors")
    expected = net.state_dict_of(STOCK)
    assert state.keys() == expected.keys()
    assert all(torch.equal(state[k], expected[k]) for k in state)
    assert "init_cfg" not in (out / STOCK / "config.py").read_text()


def test_files_of_others_stay_and_a_failure_leaves_nothing(files, tmp_path):
    net = files[2]
    subnet = net.resolve(STOCK)
    (tmp_path / "out" / STOCK).mkdir(parents=True)
    foreign = tmp_path / "out" / STOCK / "notes.txt"
    foreign.touch()
    with pytest.raises(UserError, match=r"'notes\.txt', which is no part of an export"):
        write_bundle(net, subnet, tmp_path / "out", {})
    # A name like those of an export's makes no file one's own.
    named = foreign.rename(tmp_path / "out" / STOCK / "weights.safetensors")
    with pytest.raises(UserError, match=r"'weights\.safetensors', which is no part"):
        write_bundle(net, subnet, tmp_path / "out", {})
    named.unlink()
    write_bundle(net, subnet, tmp_path / "out", {})
    bad = {"checkpoint": object()}  # cannot be written as JSON
    with pytest.raises(TypeError):
        write_bundle(net, net.resolve(OTHER), tmp_path / "out", bad)
    assert [p.name for p in (tmp_path / "out").iterdir()] == [STOCK]


@pytest.mark.parametrize("host", ["mmdet", "mmseg"])
def test_fragment_is_inherited_by_a_hosts_config(files, tmp_path, host):
    pytest.importorskip(host)
    net = files[2]
    for name in (STOCK, OTHER):
        write_bundle(net, net.resolve(name), tmp_path, {})
        base = tmp_path / "base.py"
        base.write_text("model = dict(backbone=dict(type='ResNet', depth=50, foo=1))\n")
        child = tmp_path / "child.py"
        child.write_text(
            f"_base_ = ['base.py', '{name}/config.py']\n"
            f"model = dict(backbone=_base_.{host}_backbone,\n"
            "    neck=dict(in_channels=_base_.subnet_channels))\n"
        )
        cfg = Config.fromfile(child)
        assert cfg.model.neck.in_channels == list(net.out_channels(name))
        registry = __import__(f"{host}.registry", fromlist=["MODELS"]).MODELS
        __import__(f"{host}.models")
        model = registry.build(cfg.model.backbone)
        model.init_weights()
        weights = model.state_dict()
        expected = net.state_dict_of(name)
        assert all(torch.equal(weights[key], expected[key]) for key in expected)
        assert len(model(torch.randn(2, 3, 64, 64))) == 4


def test_fragment_without_weights(files):
    text = config_fragment(files[2], files[2].resolve(OTHER), "Title.", None)
    assert text.startswith('"""Title.') and "checkpoint" not in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--subnet", "s8-w8.8.8.8-d2.2.2.2"], "mmtaskssl calibrate"),
        (["--subnet", "s8-w8.8.8.999-d2.2.2.2"], "does not fit"),
        (["--subnet", "big"], "not the name of a sub-net"),
        ([], "--subnet"),
        (["--subnet", "MAX", "--source", "ema", "--cfg-options", "nokey=1"], "nokey"),
    ],
)
def test_bad_arguments_say_what_is_wrong(files, tool, tmp_path, arguments, words):
    config, checkpoint, _ = files
    with pytest.raises(UserError, match=words):
        tool([config, checkpoint, *arguments, "--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


class _Code:
    def __reduce__(self):
        return (print, ("ran",))


def test_a_checkpoint_with_code_needs_trust(files, tool, tmp_path, capsys):
    config, checkpoint, _ = files
    content = torch.load(checkpoint, weights_only=True)
    torch.save(content | {"code": _Code()}, tmp_path / "code.pth")
    arguments = [config, str(tmp_path / "code.pth"), "--subnet", "MAX"]
    arguments += ["--out", str(tmp_path / "out")]
    with pytest.raises(UserError, match="--trust-checkpoint"):
        tool(arguments)
    assert not capsys.readouterr().out
    tool([*arguments, "--trust-checkpoint"])
    assert "ran" in capsys.readouterr().out


def test_bad_files_say_what_is_wrong(files, tool, tmp_path):
    config, checkpoint, _ = files
    rest = ["--subnet", "MAX", "--out", str(tmp_path / "out")]
    with pytest.raises(UserError, match="does not exist"):
        tool([config, str(tmp_path / "none.pth"), *rest])
    with pytest.raises(UserError, match="does not exist"):
        tool([str(tmp_path / "none.py"), checkpoint, *rest])
    plain = tmp_path / "plain.py"
    plain.write_text(
        "model = dict(backbone=dict(type='mmtaskssl.SubnetMobileNetV3',\n"
        "    subnet='s16-w16.24.40.80.112.160-d1.2.3.4.2.3'))"
    )
    with pytest.raises(UserError, match="has no sub-nets"):
        tool([str(plain), "random", *rest])
    empty = tmp_path / "empty.py"
    empty.write_text("model = dict()")
    with pytest.raises(UserError, match="no model with a backbone"):
        tool([str(empty), checkpoint, *rest])
    other = tmp_path / "other.py"
    other.write_text(
        "model = dict(backbone=dict(type='mmtaskssl.SlimmableResNet', depth=18))"
    )
    with pytest.raises(UserError, match="another architecture"):
        tool([str(other), checkpoint, *rest])
