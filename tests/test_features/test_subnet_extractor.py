"""Extractors of elastic backbones: the plain network of the sub-net asked for."""

import pytest
import torch
from mmengine.config import Config

from mmtaskssl.features.extractor import build_extractor
from mmtaskssl.models.elastic import calibrate
from mmtaskssl.utils.errors import UserError
from mmtaskssl.weights import loading

from ..test_export._files import OTHER, STOCK, write_files
from ..test_models.test_backbones._nets import batches


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write_files(
        tmp_path_factory.mktemp("elastic"),
        lambda net: calibrate(net, STOCK, batches()),
    )


@pytest.fixture
def images():
    return torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("subnet", [None, "MAX", STOCK])
def test_features_are_the_supernets(files, images, subnet):
    config, path, net = files
    extractor = build_extractor(config, path, subnet=subnet)
    with torch.no_grad():
        expected = net(images, subnet)[-1].mean((2, 3))
    torch.testing.assert_close(extractor(images), expected, rtol=1e-5, atol=1e-5)
    assert extractor.image_size == 32


def test_identity_is_the_subnets(files):
    config, path, _ = files
    largest, small = (build_extractor(config, path, subnet=s) for s in ("MAX", STOCK))
    assert largest.description != small.description
    assert STOCK in small.description["name"]
    # What else the checkpoint was calibrated for does not change a sub-net's identity.
    assert largest.description == build_extractor(config, path).description
    assert not any("statistics" in key for key in small.state_dict())


def test_uncalibrated_and_unknown_subnets(files):
    config, path, _ = files
    with pytest.raises(UserError, match=rf"mmtaskssl calibrate .*--subnet {OTHER}"):
        build_extractor(config, path, subnet=OTHER)
    with pytest.raises(UserError, match=rf"mmtaskssl calibrate .*--subnet {STOCK}"):
        build_extractor(config, path, "ema", subnet=STOCK)
    with pytest.raises(UserError, match="nonsense"):
        build_extractor(config, path, subnet="nonsense")


def test_moving_average_keeps_its_own_statistics(files, tmp_path):
    config, path, _ = files
    state = torch.load(path, weights_only=True)["state_dict"]
    key = f"subnet_statistics.{STOCK}"
    state[f"encoder_k.module.0.{key}"] = 1 + state[f"backbone.{key}"]
    torch.save({"state_dict": state}, tmp_path / "x.pth")
    extractor = build_extractor(config, tmp_path / "x.pth", "ema", subnet=STOCK)
    mean = extractor.body.bn1.running_mean
    expected = 1 + state[f"backbone.{key}"][0, : len(mean)]
    torch.testing.assert_close(mean, expected)


def test_statistics_count_as_no_weights(files, monkeypatch):
    config, path, net = files
    said = []
    monkeypatch.setattr(loading, "print_log", lambda text, *a: said.append(text))
    build_extractor(config, path)
    count = sum(1 for k in net.state_dict() if "statistics" not in k)
    assert said == [f"loaded {count}/{count} backbone keys from {path}"]


def test_a_plain_network_ignores_statistics(files, tmp_path):
    _, _, net = files
    plain = net.extract(STOCK)
    state = {f"backbone.{k}": v for k, v in plain.state_dict().items()}
    state[f"backbone.subnet_statistics.{STOCK}"] = torch.zeros(2, 3)
    torch.save({"state_dict": state}, tmp_path / "plain.pth")
    config = Config({"model": {"backbone": net.plain_config(net.resolve(STOCK))}})
    extractor = build_extractor(config, tmp_path / "plain.pth")
    torch.testing.assert_close(extractor.body.state_dict(), plain.state_dict())
    with pytest.raises(UserError, match="has no sub-nets"):
        build_extractor(config, tmp_path / "plain.pth", subnet=STOCK)
    with pytest.raises(UserError, match="has no sub-nets"):
        build_extractor("torchvision:resnet18", None, subnet=STOCK)


def test_untrained_subnet(files, images):
    config, _, _ = files
    extractor = build_extractor(config, None, subnet=OTHER)
    assert torch.isfinite(extractor(images)).all()
    assert extractor.description["source"] == "random"
