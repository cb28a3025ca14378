"""One step of each kind of detector and segmentor on each kind of export."""

import numpy as np
import pytest
import torch
from mmengine.model import revert_sync_batchnorm
from mmengine.structures import InstanceData, PixelData

from mmtaskssl.config import load_config

from ._hosts import assert_equal, build, exported

pytest.importorskip("mmdet")
pytest.importorskip("mmseg")

SIZE = 64
DETECTORS = (
    "transfer/detection/coco/retinanet_r50-fpn_8xb2-1x_coco.py",
    "transfer/detection/coco/mask-rcnn_r50-fpn_8xb2-1x_coco.py",
    "mmdet::fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py",
)
SEGMENTORS = (
    "transfer/segmentation/voc12aug/deeplabv3plus_r50-d8_4xb4-20k_voc12aug-512x512.py",
    "transfer/segmentation/ade20k/upernet_r50_4xb4-160k_ade20k-512x512.py",
)


@pytest.fixture(params=["resnet_export", "mobile_export"])
def export(request):
    return request.getfixturevalue(request.param)


def _detection_sample():
    from mmdet.structures import DetDataSample
    from mmdet.structures.mask import BitmapMasks

    shape = {"img_shape": (SIZE, SIZE), "ori_shape": (SIZE, SIZE)}
    sample = DetDataSample(metainfo=shape)
    mask = np.zeros((1, SIZE, SIZE), dtype=np.uint8)
    mask[:, 8:48, 8:48] = 1
    sample.gt_instances = InstanceData(
        bboxes=torch.tensor([[8.0, 8, 48, 48]]),
        labels=torch.tensor([1]),
        masks=BitmapMasks(mask, SIZE, SIZE),
    )
    return sample


def _segmentation_sample():
    from mmseg.structures import SegDataSample

    sample = SegDataSample(metainfo={"img_shape": (SIZE, SIZE)})
    labels = torch.zeros(1, SIZE, SIZE, dtype=torch.int64)
    labels[:, 8:48, 8:48] = 1
    sample.gt_sem_seg = PixelData(data=labels)
    return sample


def _step(cfg, folder, sample):
    """Builds the model and takes one step with two images."""
    model = revert_sync_batchnorm(build(cfg))
    assert_equal(model.backbone, exported(folder))
    pixels = torch.Generator().manual_seed(0)
    images = [
        torch.randint(256, (3, SIZE, SIZE), generator=pixels, dtype=torch.uint8)
        for _ in range(2)
    ]
    batch = {"inputs": images, "data_samples": [sample(), sample()]}
    batch = model.data_preprocessor(batch, training=True)
    losses, _ = model.parse_losses(model.train()(**batch, mode="loss"))
    losses.backward()
    assert torch.isfinite(losses)
    trained = [p for p in model.backbone.parameters() if p.requires_grad]
    assert trained[-1].grad.abs().sum() > 0


@pytest.mark.parametrize("name", DETECTORS, ids=lambda name: name.split("/")[-1])
def test_detector(name, export):
    cfg = load_config(name, {"backbone": str(export)})
    _step(cfg, export, _detection_sample)


@pytest.mark.parametrize("name", SEGMENTORS, ids=lambda name: name.split("/")[-1])
def test_segmentor(name, export):
    options = {"backbone": str(export), "model.data_preprocessor.size": (SIZE, SIZE)}
    _step(load_config(name, options), export, _segmentation_sample)
