"""Exports in detectors: every reader of feature maps fits, weights arrive unchanged."""

import json
import shutil
import subprocess
import sys

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import DATASETS

from mmtaskssl.config import load_config
from mmtaskssl.engine.run import build_runner
from mmtaskssl.export.bundle import write_bundle
from mmtaskssl.models.backbones import RoutedResNet
from mmtaskssl.models.elastic import calibrate
from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.hashing import file_sha256
from mmtaskssl.utils.paths import resource_root
from tests.test_models.test_backbones._nets import randomize

from ._hosts import assert_equal, build, exported, load, loss_of

pytest.importorskip("mmdet")

DEBUG = "detection/debug/faster-rcnn_fpn_1xb4-12i_debug-64px.py"
C4 = "detection/voc0712/faster-rcnn_r50-c4_8xb2-24k_voc0712.py"


@pytest.mark.parametrize(
    ("kind", "channels"),
    [("resnet_export", [16, 32, 64, 128]), ("mobile_export", [8, 14, 39, 336])],
)
def test_fpn_detector_starts_with_the_exported_weights(kind, channels, request):
    folder = request.getfixturevalue(kind)
    cfg = load(DEBUG, backbone=str(folder))
    meta = json.loads((folder / "meta.json").read_text())
    assert cfg.export.subnet == meta["subnet"] and "backbone" not in cfg
    stages = meta["out_channels"]
    assert cfg.model.neck.in_channels == [stages[i] for i in meta["pyramid"]]
    if kind == "resnet_export":
        assert cfg.model.neck.in_channels == channels
    model = build(cfg)
    assert_equal(model.backbone, exported(folder))
    loss = loss_of(model, cfg)
    loss.backward()
    assert torch.isfinite(loss)
    assert all(p.grad is not None for p in model.neck.parameters())


def test_c4_detector_takes_the_last_stage_to_the_regions(resnet_export):
    cfg = load(C4, backbone=str(resnet_export))
    model, weights = build(cfg), exported(resnet_export)
    last = {k: v for k, v in weights.items() if k.startswith("layer4.")}
    first = {k: v for k, v in weights.items() if k not in last}
    assert_equal(model.backbone, first)
    head = model.roi_head.shared_head
    assert_equal(head.layer4, {k.removeprefix("layer4."): v for k, v in last.items()})
    assert (
        isinstance(head.norm, torch.nn.SyncBatchNorm) and head.norm.num_features == 128
    )
    assert isinstance(model.backbone.bn1, torch.nn.SyncBatchNorm)
    assert model.rpn_head.rpn_conv.in_channels == 64
    assert model.roi_head.bbox_head.fc_cls.in_features == 128
    assert head(torch.zeros(1, 64, 14, 14)).shape == (1, 128, 7, 7)


def test_c4_detector_on_a_routed_path(tmp_path):
    net = randomize(RoutedResNet(50, groups=2, base_width=16)).eval()
    path = net.resolve("s16-w16.32.64.128-d3.4.6.3-p0.1.0.1")
    calibrate(net, path, [torch.randn(4, 3, 32, 32)])
    write_bundle(net, path, tmp_path, {}, image_size=32)
    cfg = load(C4, backbone=str(tmp_path))
    model, weights = build(cfg), exported(tmp_path / path.name)
    found = model.backbone.state_dict()
    found |= model.roi_head.shared_head.state_dict()
    assert weights.keys() <= found.keys()
    assert all(torch.equal(found[key], weights[key]) for key in weights)
    assert cfg.export.subnet == path.name


def test_c4_detector_of_another_kind_of_network_is_refused(mobile_export):
    with pytest.raises(UserError, match=r"no last stage .* take a config with an FPN"):
        load(C4, backbone=str(mobile_export))


@pytest.mark.parametrize(
    "name",
    [
        "mmtaskssl::transfer/detection/coco/mask-rcnn_r50-fpn_8xb2-1x_coco.py",
        "mmtaskssl::transfer/detection/coco/retinanet_r50-fpn_8xb2-1x_coco.py",
        "mmdet::retinanet/retinanet_r50_fpn_1x_coco.py",
    ],
)
def test_hosts_options_stay(name, resnet_export):
    old = load_config(name)
    new = load_config(name, {"backbone": str(resnet_export)})
    assert new.model.neck.in_channels == [16, 32, 64, 128]
    for key in ("frozen_stages", "norm_eval"):
        assert new.model.backbone.get(key) == old.model.backbone[key]
    assert (
        new.model.backbone.get("norm_cfg", {"type": "BN"})["type"]
        == (old.model.backbone.norm_cfg["type"])
    )
    rest = {k: v for k, v in old.model.items() if k not in ("backbone", "neck")}
    assert {k: new.model[k] for k in rest} == rest


def test_untrained_weights_and_a_dumped_config(resnet_export, tmp_path):
    cfg = load(DEBUG, backbone=str(resnet_export), weights="random")
    assert "init_cfg" not in cfg.model.backbone
    assert cfg.export.weights == "untrained"
    cfg = load(DEBUG, backbone=str(resnet_export))
    cfg.dump(tmp_path / "dumped.py")
    again = load_config(str(tmp_path / "dumped.py"))
    assert again.model == cfg.model


def test_printed_config_is_one_for_the_hosts_own_runner(resnet_export, tmp_path):
    tool = resource_root("tools") / "misc" / "print_config.py"
    name = "mmdet::retinanet/retinanet_r50_fpn_1x_coco.py"
    command = [sys.executable, str(tool), name, "--cfg-options"]
    command += [f"backbone={resnet_export}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    (tmp_path / "config.py").write_text(done.stdout)
    cfg = Config.fromfile(tmp_path / "config.py")
    assert cfg.custom_imports.imports == ["mmtaskssl"]
    assert_equal(build(cfg).backbone, exported(resnet_export))


def test_training_changes_the_metric(resnet_export, tmp_path):
    cfg = load(DEBUG, backbone=str(resnet_export), max_iters=40, work_dir=str(tmp_path))
    cfg.launcher, cfg.log_level = "none", "ERROR"
    cfg.train_cfg.val_interval = 40
    runner = build_runner(cfg)
    runner.model.init_weights()
    before = runner.val()["pascal_voc/mAP"]
    runner.train()
    lines = (tmp_path / runner.timestamp / "vis_data" / "scalars.json").read_text()
    after = json.loads(lines.splitlines()[-1])["pascal_voc/mAP"]
    assert before < 0.1 and after > before + 0.1


def test_stages_that_a_network_lacks(resnet_export, tmp_path):
    """An export of three stages has no map of stride 32."""
    folder = tmp_path / "short"
    shutil.copytree(resnet_export, folder)
    meta = json.loads((folder / "meta.json").read_text())
    meta["out_channels"], meta["pyramid"] = meta["out_channels"][:3], [0, 1, 2]
    (folder / "meta.json").write_text(json.dumps(meta))
    (folder / "record.json").unlink()  # with the checksum of what was there
    cfg = load(DEBUG, backbone=str(folder))
    assert cfg.model.neck.in_channels == [16, 32, 64]
    assert cfg.model.backbone.out_indices == (0, 1, 2)


def test_stem_for_very_small_images(resnet_export, tmp_path):
    folder = tmp_path / "small"
    shutil.copytree(resnet_export, folder)
    meta = json.loads((folder / "meta.json").read_text())
    meta["plain_network"]["arch"]["stem_kernel"] = 3
    (folder / "meta.json").write_text(json.dumps(meta))
    (folder / "record.json").unlink()
    with pytest.raises(UserError, match="keeps the resolution of very small images"):
        load(DEBUG, backbone=str(folder))


def test_weights_of_another_architecture(resnet_export, tmp_path):
    folder = tmp_path / "bad"
    shutil.copytree(resnet_export, folder)
    weights = exported(folder)
    weights["conv1.weight"] = torch.zeros(8, 3, 7, 7)
    torch.save(weights, folder / "weights.pth")
    (folder / "record.json").unlink()  # as an export of 0.1
    with pytest.raises(UserError, match=r"weights\.pth is not what meta\.json says"):
        load(DEBUG, backbone=str(folder))
    meta = json.loads((folder / "meta.json").read_text())
    meta["weights_sha256"] = file_sha256(folder / "weights.pth")
    (folder / "meta.json").write_text(json.dumps(meta))
    cfg = load(DEBUG, backbone=str(folder))
    with pytest.raises(UserError, match=r"loaded 119/120 .*conv1\.weight is \(8, 3"):
        build(cfg)
    allowed = {"model.backbone.init_cfg.allow_partial": True}
    model = build(load(DEBUG, backbone=str(folder), **allowed))
    assert torch.equal(
        model.backbone.layer1[0].conv1.weight, weights["layer1.0.conv1.weight"]
    )


def test_config_without_a_backbone(resnet_export, tmp_path):
    path = tmp_path / "config.py"
    Config({"model": {"type": "Anything"}}).dump(path)
    with pytest.raises(UserError, match="no backbone that an export could be"):
        load_config(str(path), {"backbone": str(resnet_export)})


@pytest.mark.gpu
def test_detections_on_a_gpu_are_those_on_the_cpu(resnet_export, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    cfg = load(DEBUG, backbone=str(resnet_export))
    cfg.model.test_cfg.rcnn.score_thr = 0.0
    model, dataset = build(cfg).eval(), DATASETS.build(cfg.test_dataloader.dataset)
    found = {}
    for device in ("cpu", "cuda"):
        model.to(device)
        with torch.no_grad():
            (sample,) = model.test_step(pseudo_collate([dataset[0]]))
        found[device] = sample.pred_instances.cpu()
    count = min(20, len(found["cpu"]))
    for key in ("scores", "bboxes"):
        torch.testing.assert_close(
            found["cuda"][key][:count], found["cpu"][key][:count], rtol=1e-3, atol=1e-2
        )
