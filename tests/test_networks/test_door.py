"""One door: from anything that holds a network to one and the same value."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from torch import nn
from torchvision.models import resnet18

from mmtaskssl.export.bundle import write_bundle
from mmtaskssl.networks import Network, averaged_of, open_network
from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.hashing import file_sha256

from ..test_export._files import OTHER, STOCK, write_files


@pytest.fixture
def files(tmp_path):
    return write_files(tmp_path)


def test_a_config_and_its_checkpoint(files):
    config, checkpoint, net = files
    network = open_network(config, checkpoint)
    assert (network.encoder, network.prefix) == ("online", "backbone.")
    assert network.trained and not network.backbone.training
    assert network.space.max == net.space.max
    assert network.resolve("MAX") == net.space.max
    pixels = network.preprocessing
    assert (pixels.image_size, pixels.mean) == (32, (127.5,) * 3)
    assert pixels.channel_order == "rgb"
    assert network.weights_sha256 == open_network((config, checkpoint)).weights_sha256
    assert network.meta["config"] == "config.py"
    assert network.meta["checkpoint"] == "net.pth"
    assert len(network.meta["checkpoint_sha256"]) == 64
    assert open_network(network) is network


def test_either_encoder(files):
    config, checkpoint, _ = files
    online = open_network(config, checkpoint)
    ema = open_network(config, checkpoint, source="ema")
    assert ema.prefix == "encoder_k.module.0." and ema.encoder == "ema"
    assert ema.weights_sha256 != online.weights_sha256
    average = averaged_of(online)
    assert average.weights_sha256 == ema.weights_sha256
    assert average.meta == ema.meta
    assert average.state is online.state  # the file was read once


def test_no_average_in_a_bare_state_dict(files, tmp_path):
    config, _, net = files
    torch.save(net.state_dict(), tmp_path / "bare.pth")
    network = open_network(config, tmp_path / "bare.pth")
    assert network.prefix == "" and averaged_of(network) is None


def test_untrained_networks_are_those_of_their_seed(files):
    config = files[0]
    hashes = [open_network(config, "random", seed=s).weights_sha256 for s in (0, 0, 1)]
    assert hashes[0] == hashes[1] != hashes[2]
    network = open_network(config, weights="random", seed=3)
    assert not network.trained
    assert network.meta == {"config": "config.py", "encoder": "random", "seed": 3}
    before = torch.random.get_rng_state()
    open_network(config, "random")
    assert torch.equal(before, torch.random.get_rng_state())


def test_an_export_brings_its_weights(files, tmp_path):
    net = files[2]
    write_bundle(net, net.space.max, tmp_path / "out", {})
    network = open_network(tmp_path / "out")
    assert network.space is None and network.trained
    images = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        got = network.backbone(images)[-1]
        torch.testing.assert_close(got, net(images, net.space.max)[-1])
    drawn = open_network(tmp_path / "out", "random")
    assert not drawn.trained and drawn.weights_sha256 != network.weights_sha256
    with pytest.raises(UserError, match="has its own weights"):
        open_network(tmp_path / "out", files[1])
    # and it may be asked for sub-nets: itself
    assert open_network(tmp_path / "out", subnets=True).space.max == net.space.max


def test_a_name_of_torchvision(tmp_path):
    torch.manual_seed(0)
    model = resnet18().eval()
    torch.save(model.state_dict(), tmp_path / "r18.pth")
    network = open_network("torchvision:resnet18", weights=tmp_path / "r18.pth")
    model.fc = nn.Identity()
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(network.backbone(images), model(images))
    assert network.meta["checkpoint"] == "r18.pth"
    assert network.meta["config"] == "torchvision:resnet18"
    assert network.preprocessing.image_size == 224
    assert not open_network("torchvision:resnet18", "random").trained


def test_a_network_of_a_host():
    pytest.importorskip("mmdet")
    cfg = {
        "default_scope": "mmdet",
        "model": {
            "type": "RetinaNet",
            "data_preprocessor": {
                "type": "DetDataPreprocessor",
                "mean": [103.53, 116.28, 123.675],
                "std": [1.0, 1.0, 1.0],
                "bgr_to_rgb": False,
            },
            "backbone": {
                "type": "ResNet",
                "depth": 18,
                "base_channels": 8,
                "stem_channels": 8,
                "frozen_stages": 1,
                "init_cfg": {"type": "Pretrained", "checkpoint": "torchvision://r18"},
            },
        },
    }
    network = open_network(Config(cfg), "random")
    assert type(network.backbone).__module__.startswith("mmdet")
    assert network.space is None
    pixels = network.preprocessing
    assert (pixels.channel_order, pixels.mean[0]) == ("bgr", 103.53)
    assert network.body["type"] == "ResNet" and "init_cfg" not in network.body
    assert open_network(Config(cfg), "random", subnets=True).space.max.name == (
        "s8-w8.16.32.64-d2.2.2.2"
    )


def test_a_semi_supervised_model_of_a_host():
    """Its backbone and its pixels lie one level deeper."""
    inner = {"type": "mmselfsup.ResNet", "depth": 18, "base_channels": 8}
    pixels = {"type": "DetDataPreprocessor", "mean": [1.0, 2.0, 3.0], "std": [4.0] * 3}
    wrapper = {"type": "MultiBranchDataPreprocessor", "data_preprocessor": pixels}
    model = {"type": "SoftTeacher", "detector": {"backbone": inner}}
    cfg = Config({"model": {**model, "data_preprocessor": wrapper}})
    network = open_network(cfg, "random")
    assert network.preprocessing.mean == (1.0, 2.0, 3.0)
    assert network.preprocessing.channel_order == "bgr"


def test_options_change_a_config(files):
    config, checkpoint, _ = files
    options = {"model.data_preprocessor.view_size": 48}
    network = open_network(config, checkpoint, cfg_options=options)
    assert network.preprocessing.image_size == 48


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ((), {}, "needs weights"),
        (("random",), {"weights": "random"}, "two kinds of weights"),
        (("random",), {"source": "teacher"}, "one of online, ema"),
        (("none.pth",), {}, "does not exist"),
    ],
)
def test_what_cannot_be_opened(files, arguments, options, words):
    with pytest.raises(UserError, match=words):
        open_network(files[0], *arguments, **options)


def test_networks_without_sub_nets(files, tmp_path):
    config = tmp_path / "mobile.py"
    config.write_text(
        "model = dict(backbone=dict(type='mmtaskssl.SubnetMobileNetV3',\n"
        "    subnet='s16-w16.24.40.80.112.160-d1.2.3.4.2.3'))"
    )
    network = open_network(config, "random")
    assert isinstance(network, Network) and network.space is None
    assert network.plain() is network.backbone
    with pytest.raises(UserError, match="has no sub-nets"):
        network.plain("MAX")
    with pytest.raises(UserError, match="has no sub-nets"):
        open_network(config, "random", subnets=True)
    with pytest.raises(UserError, match="has no sub-nets"):
        open_network(network, subnets=True)


def test_what_a_network_costs(files):
    network = open_network(*files[:2])
    cost = network.cost(OTHER)
    assert cost == network.elastic.cost(OTHER, 32)
    assert network.cost(OTHER, (64, 32)).macs == 2 * cost.macs
    latency = network.latency(OTHER, repeats=2, device="cpu")
    assert 0 < latency.low <= latency.median <= latency.high


@pytest.mark.parametrize("name", [STOCK, OTHER])
def test_counting_by_running_agrees_with_the_formula(files, name):
    net = files[2]
    config = Config({"model": {"backbone": net.plain_config(net.resolve(name))}})
    plain = open_network(config, "random")
    assert plain.space is None
    assert plain.cost(shape=64) == net.cost(name, 64)


def test_units_and_stages(files):
    network = open_network(*files[:2])
    units = network.units(STOCK)
    assert next(iter(units)) == "conv1"
    stages = network.stages(STOCK)
    assert len(stages) == 5
    x = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        expected = network.plain(STOCK, uncalibrated_ok=True)(x)[-1]
        for stage in stages:
            x = stage(x)
    torch.testing.assert_close(x, expected)


def test_the_hash_is_of_what_was_read(tmp_path):
    config, checkpoint, _ = write_files(tmp_path)
    opened = open_network(config, checkpoint)
    before = file_sha256(checkpoint)
    Path(checkpoint).write_bytes(b"something else")
    assert opened.meta["checkpoint_sha256"] == before
    Path(checkpoint).unlink()
    assert opened.meta["checkpoint_sha256"] == before
