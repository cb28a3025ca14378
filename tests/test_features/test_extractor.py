"""Extractors: what is loaded is said, and anything less than all is an error."""

import copy
import sys

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import HistoryBuffer
from PIL import Image
from torch import nn
from torchvision.models import resnet18

from mmtaskssl.features.extract import extract
from mmtaskssl.features.extractor import FeatureExtractor, build_extractor
from mmtaskssl.registry import MODELS
from mmtaskssl.utils.errors import UserError, set_flags
from mmtaskssl.weights import loading
from tests._images import make_image_folder

BACKBONE = {
    "type": "mmselfsup.ResNet",
    "depth": 18,
    "stem_channels": 8,
    "base_channels": 8,
}


def config(**backbone):
    return Config(
        {
            "default_scope": "mmtaskssl",
            "model": {
                "type": "mmselfsup.MoCo",
                "backbone": {**BACKBONE, **backbone},
                "data_preprocessor": {"mean": [1.0, 2.0, 3.0], "std": [4.0, 5.0, 6.0]},
            },
        }
    )


def moco():
    return MODELS.build(
        {
            "type": "mmselfsup.MoCo",
            "backbone": BACKBONE,
            "neck": {
                "type": "mmselfsup.MoCoV2Neck",
                "in_channels": 64,
                "hid_channels": 8,
                "out_channels": 4,
                "with_avg_pool": True,
            },
            "head": {
                "type": "mmselfsup.ContrastiveHead",
                "loss": {"type": "mmcls.CrossEntropyLoss"},
            },
            "queue_len": 8,
            "feat_dim": 4,
        }
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A MoCo whose two encoders differ, saved as mmengine's Runner saves."""
    torch.manual_seed(3)
    model = moco()
    for parameter in model.encoder_k.parameters():
        nn.init.normal_(parameter, std=0.05)
    path = tmp_path_factory.mktemp("ckpt") / "iter_1.pth"
    torch.save(
        {
            "meta": {"iter": 1, "seed": np.float64(3)},
            "state_dict": model.state_dict(),
            "message_hub": {"log_scalars": {"loss": HistoryBuffer([1.0], [1])}},
            "param_schedulers": [{"last_step": np.array([1.0, 2.0])}],
        },
        path,
    )
    return model, path


@pytest.fixture
def images():
    return torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def reference(backbone, images):
    backbone = copy.deepcopy(backbone)
    backbone.eval()  # the host's eval() returns None
    with torch.no_grad():
        return backbone(images)[-1].mean((2, 3))


@pytest.mark.parametrize("source", ["online", "ema"])
def test_loads_either_encoder_of_a_runner_checkpoint(trained, images, source):
    model, path = trained
    encoder = model.backbone if source == "online" else model.encoder_k.module[0]
    extractor = build_extractor(config(), path, source)
    torch.testing.assert_close(extractor(images), reference(encoder, images))
    assert (extractor.mean, extractor.std) == ((1, 2, 3), (4, 5, 6))
    assert extractor.description["source"] == source
    assert not extractor.train().training


def test_byol_target_and_bare_state_dict(trained, images, tmp_path):
    model, _ = trained
    weights = model.encoder_k.module[0].state_dict()
    torch.save(
        {"state_dict": {f"target_net.module.0.{k}": v for k, v in weights.items()}},
        tmp_path / "byol.pth",
    )
    torch.save(weights, tmp_path / "bare.pth")
    ema = build_extractor(config(), tmp_path / "byol.pth", "ema")
    bare = build_extractor(config(), tmp_path / "bare.pth")
    torch.testing.assert_close(ema(images), bare(images))
    # One set of weights has one hash, wherever it was read from.
    assert ema.description["weights_sha256"] == bare.description["weights_sha256"]


def test_loading_is_loud(trained, monkeypatch):
    said = []
    monkeypatch.setattr(loading, "print_log", lambda text, *a: said.append(text))
    build_extractor(config(), trained[1])
    count = len(trained[0].backbone.state_dict())
    assert said == [f"loaded {count}/{count} backbone keys from {trained[1]}"]


def test_another_architecture(trained, tmp_path):
    _, path = trained
    with pytest.raises(UserError, match=r"loaded \d+/\d+ .* another architecture"):
        build_extractor(config(stem_channels=16, base_channels=16), path)
    with pytest.raises(UserError, match=r"the file lacks layer1\.2"):
        build_extractor(config(depth=34), path)
    # All keys of a ResNet-18 exist, with the same shapes, in a ResNet-34.
    deep = build_extractor(config(depth=34), None).body.state_dict()
    torch.save(
        {"state_dict": {f"backbone.{k}": v for k, v in deep.items()}},
        tmp_path / "r34.pth",
    )
    with pytest.raises(UserError, match="also holds"):
        build_extractor(config(), tmp_path / "r34.pth")


def test_no_ema_in_checkpoint(trained, tmp_path):
    weights = {f"backbone.{k}": v for k, v in trained[0].backbone.state_dict().items()}
    torch.save({"state_dict": weights}, tmp_path / "x.pth")
    with pytest.raises(UserError, match=r"loaded 0/.*encoder_k"):
        build_extractor(config(), tmp_path / "x.pth", "ema")


def test_untrained_depends_on_the_seed_only(images):
    state = torch.get_rng_state()
    a, b = build_extractor(config(), None), build_extractor(config(), "random")
    assert torch.equal(state, torch.get_rng_state())
    torch.testing.assert_close(a(images), b(images), rtol=0, atol=0)
    assert a.description == b.description
    other = build_extractor(config(), None, seed=1)
    assert other.description != a.description


class _Harmful:
    def __reduce__(self):
        return (sys.setrecursionlimit, (12345,))


def test_bad_files(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        build_extractor(config(), tmp_path / "none.pth")
    (tmp_path / "text.pth").write_text("not a checkpoint")
    with pytest.raises(UserError):
        build_extractor(config(), tmp_path / "text.pth")
    torch.save({"state_dict": {}}, tmp_path / "empty.pth")
    with pytest.raises(UserError, match="no weights"):
        build_extractor(config(), tmp_path / "empty.pth")
    limit = sys.getrecursionlimit()
    torch.save({"state_dict": {}, "x": _Harmful()}, tmp_path / "harm.pth")
    set_flags(["--trust-checkpoint"])  # as the tools have it
    with pytest.raises(UserError, match=r"more than weights.*--trust-checkpoint"):
        build_extractor(config(), tmp_path / "harm.pth")
    set_flags()
    assert sys.getrecursionlimit() == limit
    try:
        with pytest.raises(UserError, match="no weights"):
            build_extractor(config(), tmp_path / "harm.pth", trust=True)
        assert sys.getrecursionlimit() == 12345
    finally:
        sys.setrecursionlimit(limit)


def test_bad_configs(tmp_path):
    with pytest.raises(UserError, match=r"no model\.backbone"):
        build_extractor(Config({"model": {"type": "x"}}), None)
    with pytest.raises(UserError, match="NoSuchNet"):
        build_extractor(config(type="NoSuchNet"), None)
    with pytest.raises(UserError, match="does not exist"):
        build_extractor(str(tmp_path / "none.py"), None)
    with pytest.raises(UserError, match="one of online, ema"):
        build_extractor(config(), None, "offline")


def test_torchvision_model(images, tmp_path):
    torch.manual_seed(0)
    model = resnet18().eval()
    torch.save(model.state_dict(), tmp_path / "r18.pth")
    extractor = build_extractor("torchvision:resnet18", tmp_path / "r18.pth")
    model.fc = nn.Identity()
    with torch.no_grad():
        torch.testing.assert_close(extractor(images), model(images))
    with pytest.raises(UserError, match="another architecture"):
        build_extractor("torchvision:resnet34", tmp_path / "r18.pth")
    with pytest.raises(UserError, match="no classification model"):
        build_extractor("torchvision:fasterrcnn_resnet50_fpn", None)
    with pytest.raises(UserError, match="no averaged encoder"):
        build_extractor("torchvision:resnet18", None, "ema")


def test_torchvision_never_downloads(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(UserError, match=r"download https://\S+resnet18\S+ and name"):
        build_extractor("torchvision:resnet18", "default")


def test_timm_absent(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(UserError, match="pip install timm"):
        build_extractor("timm:resnet18", None)


def test_reduced_decoding_reaches_the_store_and_its_identity(tmp_path):
    make_image_folder(tmp_path / "images", n_per_class=4, classes=("a",), size=64)
    for path in (tmp_path / "images" / "a").glob("*.png"):
        Image.open(path).save(path.with_suffix(".jpg"))
        path.unlink()
    body = nn.Sequential(nn.Conv2d(3, 6, 3, 2), nn.ReLU(), nn.Conv2d(6, 5, 3))
    tiny = FeatureExtractor(body, "tiny", "random")
    options = {"image_size": 16, "workers": 0, "device": "cpu", "out": tmp_path / "s"}
    full = extract(tiny, tmp_path / "images", **{**options, "out": None}).read()
    store = extract(tiny, tmp_path / "images", decode="reduced", **options)
    apart = np.linalg.norm(full - store.read(), axis=1)
    assert store.manifest["transform"]["decode"] == "reduced"
    assert apart.min() > 2e-3 and apart.max() < 0.2  # 1e-3: that of float16
    with pytest.raises(UserError, match="another transform"):
        extract(tiny, tmp_path / "images", **options)
