"""Exports in segmentors: every head's input fits, weights arrive unchanged."""

import pytest
import torch

from mmtaskssl.config import ExportInfo
from mmtaskssl.config.rewiring.segmentation import rewire_segmentor

from ._hosts import assert_equal, build, exported, load, loss_of

pytest.importorskip("mmseg")

DEBUG = "segmentation/debug/fcn_d8_1xb4-12i_debug-64px.py"


@pytest.mark.parametrize("kind", ["resnet_export", "mobile_export"])
def test_segmentor_starts_with_the_exported_weights(kind, request):
    folder = request.getfixturevalue(kind)
    cfg = load(DEBUG, backbone=str(folder))
    model = build(cfg)
    assert_equal(model.backbone, exported(folder))
    loss = loss_of(model, cfg)
    loss.backward()
    assert torch.isfinite(loss)
    if kind == "resnet_export":  # dilated, as the config of the host says
        maps = model.backbone(torch.zeros(2, 3, 64, 64))
        assert [m.shape[-1] for m in maps] == [16, 8, 8, 8]


def test_published_protocols(resnet_export):
    def model(name):
        return load(f"segmentation/{name}", backbone=str(resnet_export)).model

    fcn = model("voc12aug/fcn_r50-d16_8xb2-30k_voc12aug-513x513.py")
    assert fcn.decode_head.in_channels == 128 and fcn.auxiliary_head is None
    assert fcn.backbone.dilations == (1, 1, 1, 2)
    assert fcn.backbone.norm_cfg.type == "SyncBN"
    deeplab = model("voc12aug/deeplabv3plus_r50-d8_4xb4-20k_voc12aug-512x512.py")
    head = deeplab.decode_head
    assert (head.in_channels, head.c1_in_channels) == (128, 16)
    assert deeplab.auxiliary_head.in_channels == 64
    upernet = model("ade20k/upernet_r50_4xb4-160k_ade20k-512x512.py")
    assert upernet.decode_head.in_channels == [16, 32, 64, 128]
    assert upernet.backbone.strides == (1, 2, 2, 2)


def test_network_of_fewer_stages():
    network = {"type": "mmtaskssl.SubnetResNet", "subnet": "s8-w8.16.32-d1.1.1"}
    export = ExportInfo(
        None, "s8-w8.16.32-d1.1.1", network, (8, 16, 32), (0, 1, 2), None
    )
    model = {
        "backbone": {"type": "ResNet", "strides": (1, 2, 1, 1)},
        "decode_head": {"in_channels": [1] * 4, "in_index": [0, 1, 2, 3]},
        "auxiliary_head": [{"in_channels": 1, "in_index": 2}],
    }
    changes = rewire_segmentor(model, export)
    assert model["backbone"]["strides"] == (1, 2, 1)
    assert model["decode_head"] == {"in_channels": [8, 16, 32], "in_index": [0, 1, 2]}
    assert model["auxiliary_head"] == [{"in_channels": 16, "in_index": 1}]
    assert "auxiliary_head[0].in_index=1" in changes
