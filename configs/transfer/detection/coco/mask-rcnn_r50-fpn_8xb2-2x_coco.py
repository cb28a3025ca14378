r"""Mask R-CNN with an FPN on COCO, 24 epochs (2x), short side 640 to 800.

See mask-rcnn_r50-fpn_8xb2-1x_coco.py.

bash tools/dist_train.sh \
    configs/transfer/detection/coco/mask-rcnn_r50-fpn_8xb2-2x_coco.py 8 \
    --cfg-options data_root=/data/coco/ backbone=EXPORT_DIR

Hardware: 8 GPUs. Without backbone=... the ResNet-50 starts untrained.
"""

_base_ = ["mmdet::selfsup_pretrain/mask-rcnn_r50-mocov2-pre_fpn_ms-2x_coco.py"]
custom_imports = dict(imports=["mmtaskssl"])

model = dict(
    backbone=dict(frozen_stages=-1, init_cfg=None),
    neck=dict(norm_cfg=dict(type="SyncBN", requires_grad=True)),
)
