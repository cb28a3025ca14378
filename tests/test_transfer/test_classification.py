"""Exports in classifiers: channels and classes follow, weights arrive, all of them."""

import json

import pytest
import torch

from mmtaskssl.config import load_config
from mmtaskssl.engine.run import test as run_test
from mmtaskssl.engine.run import train as run_train
from mmtaskssl.export.bundle import write_bundle
from mmtaskssl.models.backbones import SlimmableMobileNetV3, SlimmableResNet
from mmtaskssl.models.preprocessors import LabeledViewPreprocessor
from mmtaskssl.registry import MODELS
from mmtaskssl.utils.errors import UserError
from tests._images import make_image_folder
from tests.test_models.test_backbones._nets import randomize

_FOLDER = "configs/transfer/classification/"
_FINETUNE = f"{_FOLDER}finetune_resnet10-w32_1xb64-coslr-500i_folder-40px.py"
_PROBE = f"{_FOLDER}linear-probe_resnet10-w32_1xb64-coslr-1k_folder-40px.py"
_HOST = """
default_scope = "mmcls"
model = dict(
    type="ImageClassifier",
    backbone=dict(type={backbone!r}, depth=50, {options}),
    neck=dict(type="GlobalAveragePooling"),
    head=dict(type={head!r}, num_classes=7, in_channels=2048))
train_dataloader = dict(dataset=dict(type="CustomDataset"))
"""


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exports")
    resnet = randomize(SlimmableResNet(depth=18, widths=[1, 0.25])).eval()
    write_bundle(resnet, resnet.space.min, folder / "resnet", {}, image_size=32)
    mobile = randomize(SlimmableMobileNetV3(widths=[1, 0.35])).eval()
    write_bundle(mobile, mobile.space.min, folder / "mobile", {}, image_size=32)
    return folder


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    folder = tmp_path_factory.mktemp("target")
    for part, seed in (("train", 0), ("test", 0)):
        make_image_folder(folder / part, 8, ("red", "blue", "grey"), 48, seed)
    return folder


def build(cfg):
    model = MODELS.build({**cfg.model, "_scope_": cfg.default_scope})
    model.init_weights()
    return model


def weights_of(folder):
    (file,) = folder.glob("*/weights.pth")
    return torch.load(file, weights_only=True)


@pytest.mark.parametrize("kind", ["resnet", "mobile"])
@pytest.mark.parametrize("config", [_FINETUNE, _PROBE])
def test_channels_follow_and_weights_arrive(exports, config, kind):
    cfg = load_config(config, {"backbone": str(exports / kind)})
    (meta,) = (exports / kind).glob("*/meta.json")
    meta = json.loads(meta.read_text())
    assert cfg.model.head.in_channels == meta["out_channels"][-1]
    model = build(cfg)
    found, exported = model.backbone.state_dict(), weights_of(exports / kind)
    assert found.keys() == exported.keys()
    assert all(torch.equal(found[key], value) for key, value in exported.items())
    scores = model(torch.zeros(2, 3, 40, 40))
    assert scores.shape == (2, 10)
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    if config == _PROBE:
        assert trained == {"head.fc.weight", "head.fc.bias"}
        model.train()
        assert not any(m.training for m in model.backbone.modules() if _is_norm(m))
    else:
        assert len(trained) == len(list(model.parameters()))


def _is_norm(module):
    return isinstance(module, torch.nn.BatchNorm2d)


def test_architecture_alone(exports):
    options = {"backbone": str(exports / "resnet"), "weights": "random"}
    model = build(load_config(_FINETUNE, options))
    found, exported = model.backbone.state_dict(), weights_of(exports / "resnet")
    assert not torch.equal(found["conv1.weight"], exported["conv1.weight"])
    assert found["conv1.weight"].shape == exported["conv1.weight"].shape


@pytest.mark.parametrize(
    ("backbone", "options"),
    [("ResNet", "out_indices=(3,)"), ("mmselfsup.ResNet", "out_indices=[4]")],
)
def test_the_hosts_classifiers(exports, tmp_path, backbone, options):
    path = tmp_path / "host.py"
    text = _HOST.format(backbone=backbone, options=options, head="LinearClsHead")
    path.write_text(text)
    model = build(load_config(str(path), {"backbone": str(exports / "resnet")}))
    assert model(torch.zeros(2, 3, 32, 32)).shape == (2, 7)
    path.write_text(text.replace("LinearClsHead", "ClsHead").replace("2048", "[8]"))
    with pytest.raises(UserError, match="has no in_channels to follow"):
        load_config(str(path), {"backbone": str(exports / "resnet")})


def test_a_target_sets_data_and_classes(target):
    cfg = load_config(_FINETUNE, {"target": str(target)})
    assert cfg.model.head.num_classes == 3
    assert cfg.train_dataloader.dataset.source == str(target / "train")
    for loader in (cfg.val_dataloader, cfg.test_dataloader):
        assert loader.dataset.source == str(target / "test")
        assert loader.dataset.class_names == ["blue", "grey", "red"]
    assert "knn" not in cfg.default_hooks


def test_bad_targets(target, exports, tmp_path):
    with pytest.raises(UserError, match="a target holds train/CLASS/IMAGE"):
        load_config(_FINETUNE, {"target": str(tmp_path)})
    for part in ("train", "test"):
        make_image_folder(tmp_path / part, 1, ("one",))
    with pytest.raises(UserError, match="two class folders at least"):
        load_config(_FINETUNE, {"target": str(tmp_path)})
    debug = f"{_FOLDER}finetune_resnet10-w8_1xb16-coslr-12i_debug-32px.py"
    with pytest.raises(UserError, match="needs LabeledImages"):
        load_config(debug, {"target": str(target)})
    with pytest.raises(UserError, match="export"):
        load_config(debug, {"backbone": str(tmp_path)})


def test_training_on_a_folder_raises_the_accuracy(exports, target, tmp_path):
    options = {
        "backbone": str(exports / "resnet"),
        "target": str(target),
        "max_iters": 12,
        "batch_size": 12,
        "optim_wrapper.optimizer.lr": 0.05,
    }
    cfg = load_config(_FINETUNE, options)
    cfg.work_dir, cfg.launcher, cfg.log_level = str(tmp_path), "none", "WARNING"
    run_train(cfg)
    (log,) = tmp_path.rglob("vis_data/scalars.json")
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    accuracy = [row["accuracy/top1"] for row in rows if "accuracy/top1" in row]
    assert accuracy[-1] > 60  # three classes that differ in colour
    checkpoint = tmp_path / "iter_12.pth"
    state = torch.load(checkpoint, weights_only=False)["state_dict"]
    exported = weights_of(exports / "resnet")
    assert not torch.equal(state["backbone.conv1.weight"], exported["conv1.weight"])
    # The config that was saved beside it needs no option any more.
    (saved,) = tmp_path.glob("*.py")
    cfg = load_config(str(saved))
    cfg.load_from, cfg.experiment_name = str(checkpoint), "again"
    run_test(cfg)


def test_one_view_and_its_labels():
    preprocessor = LabeledViewPreprocessor(view_size=16, seed=0)
    images = [torch.randint(256, (3, 20, 24), dtype=torch.uint8) for _ in range(3)]
    data = {"inputs": images, "label": [2, 0, 1], "sample_idx": [5, 6, 7]}
    first, second = (preprocessor(data, training=True) for _ in range(2))
    assert first["inputs"].shape == (3, 3, 16, 16)
    assert not torch.equal(first["inputs"], second["inputs"])
    labels = [int(sample.gt_label.label) for sample in first["data_samples"]]
    assert labels == [2, 0, 1]
    assert first["data_samples"][1].sample_idx == 6
    plain = [preprocessor(data, training=False)["inputs"] for _ in range(2)]
    assert torch.equal(*plain)
    # Only a crop and a flip: a grey image stays grey, whatever is drawn.
    grey = [torch.full((3, 20, 24), 128, dtype=torch.uint8)] * 3
    view = preprocessor({"inputs": grey, "label": [0] * 3}, training=True)["inputs"]
    assert torch.allclose(view, view[:1, :, :1, :1].expand_as(view), atol=1e-4)
    unlabelled = preprocessor({"inputs": images}, training=False)["data_samples"]
    assert "gt_label" not in unlabelled[0]
