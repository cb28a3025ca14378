"""Host configs train and test as they are, by the hosts' own runner and by ours."""

import dataclasses
import shutil

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from yapf.yapflib import yapf_api

from mmtaskssl.apis import export, open_network
from mmtaskssl.config import load_config
from mmtaskssl.customize.handover.host_config import host_config
from mmtaskssl.datasets import TableImages
from mmtaskssl.engine.isolation import isolated
from mmtaskssl.engine.run import train
from mmtaskssl.utils.errors import UserError

from ._targets import CLASSES, make_target

# What each says of two images that were trained on for two steps.
METRICS = {
    "classification": "accuracy/top1",
    "multilabel": "transfer/mAP",
    "detection": "coco/bbox_mAP",
    "segmentation": "mIoU",
}


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    network = open_network("timm:test_efficientnet", "random", seed=1)
    return export(network)[0].save(tmp_path_factory.mktemp("export") / "backbone")


@pytest.fixture
def plain_text(monkeypatch):
    """Leaves out what makes a config pretty, and takes longer than all else."""
    monkeypatch.setattr(yapf_api, "FormatCode", lambda text, **more: (text, True))


@pytest.mark.parametrize("kind", METRICS)
def test_a_config_trains_with_the_hosts_runner(kind, backbone, tmp_path, plain_text):
    """Moved as a whole, and read as the hosts' tools read it: by mmengine alone."""
    out = tmp_path / "out"
    shutil.copytree(backbone, out / "backbone")
    target = make_target(tmp_path / "mine", kind)
    side = 64 if kind == "detection" else 32
    path = host_config(
        kind, out / "backbone", target, out=out, side=side, iters=2, seed=3
    )
    text = path.read_text()
    assert str(out) not in text and "{{ fileDirname }}/backbone/weights.pth" in text
    out.rename(tmp_path / "moved")
    cfg = Config.fromfile(tmp_path / "moved" / "config.py")
    cfg.work_dir = str(tmp_path / "work")
    assert cfg.train_cfg.max_iters == 2 and cfg.randomness.seed == 3
    assert not {"data_root", "voc", "camvid", "target"} & cfg.keys()
    with isolated():  # or its loggers would be those of other tests
        runner = Runner.from_cfg(cfg)
        runner.train()
        weights = torch.load(tmp_path / "moved/backbone/weights.pth", weights_only=True)
        moved = runner.model.backbone.state_dict()
        assert moved.keys() == weights.keys()
        stem = next(key for key in weights if "running_mean" in key)
        assert not torch.equal(moved[stem], weights[stem])  # norms have seen images
        start = next(key for key in weights if key.endswith("weight"))
        assert torch.allclose(moved[start].cpu(), weights[start], atol=0.2)
        # Of the test images, read by the validation at the end.
        assert f"val/{METRICS[kind]}" in runner.message_hub.log_scalars


def test_our_own_tool_trains_it(backbone, tmp_path):
    target = make_target(tmp_path / "mine", "detection")
    path = host_config("detection", backbone, target, out=tmp_path, side=64, iters=1)
    cfg = load_config(path, {"work_dir": str(tmp_path / "work")})
    cfg.launcher = "none"
    runner = train(cfg)
    assert runner.iter == 1 and (tmp_path / "work" / "iter_1.pth").is_file()


def test_labels_of_a_table(backbone, tmp_path, plain_text):
    target = make_target(tmp_path / "mine", "multilabel")
    path = host_config("multilabel", backbone, target, out=tmp_path, side=32)
    cfg = Config.fromfile(path)
    loaders = [cfg[f"{part}_dataloader"] for part in ("train", "val", "test")]
    # Else mmcls' own tool asks workers to persist that there are none of.
    assert [loader.persistent_workers for loader in loaders] == [False] * 3
    data = loaders[0].dataset
    data.pop("type")
    images = TableImages(**data)
    assert [images[i]["label"].tolist() for i in range(3)] == [[1, 1], [0, 1], [1, 0]]
    assert images.class_names == list(CLASSES)
    with pytest.raises(UserError, match="labels that are no class"):
        TableImages(**{**data, "class_names": ["blue"]})
    with pytest.raises(UserError, match="fraction and shots need one label"):
        TableImages(**data, shots=1)


def test_pixels_and_places_are_the_exports(backbone, tmp_path, plain_text):
    target = make_target(tmp_path / "mine", "segmentation")
    path = host_config("segmentation", backbone, target, out=tmp_path)
    cfg = Config.fromfile(path)
    assert cfg.model.data_preprocessor.mean == [123.675, 116.28, 103.53]
    assert cfg.model.data_preprocessor.bgr_to_rgb
    assert cfg.model.data_preprocessor.size == (48, 48)  # as the images are
    assert cfg.model.decode_head.num_classes == 3
    # Where 0 is nothing, the classes are counted from there on.
    shifted = dataclasses.replace(target, facts={"void": 0, "first_index": 1})
    host_config("segmentation", backbone, shifted, out=tmp_path, side=32)  # anew
    cfg = Config.fromfile(path)
    assert cfg.train_dataloader.dataset.reduce_zero_label
    assert cfg.model.decode_head.ignore_index == 255
    path.write_text("mine = 1\n")
    with pytest.raises(UserError, match="is not a config of customize"):
        host_config("segmentation", backbone, target, out=tmp_path)
    assert path.read_text() == "mine = 1\n"
    with pytest.raises(UserError, match="is no folder of an export"):
        host_config("segmentation", tmp_path / "none", target, out=tmp_path)
