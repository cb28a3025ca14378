r"""Mask R-CNN with an FPN on COCO, 12 epochs (1x), all batch norms trained.

He et al., Momentum Contrast (https://arxiv.org/abs/1911.05722), section 4.2: "1x" and
"2x" schedules; norms are trained and synchronised, in the FPN as well. From mmdet's
config for MoCo's weights, which freezes the stem; nothing is frozen here.

bash tools/dist_train.sh \
    configs/transfer/detection/coco/mask-rcnn_r50-fpn_8xb2-1x_coco.py 8 \
    --cfg-options data_root=/data/coco/ backbone=EXPORT_DIR

Hardware: 8 GPUs. Without backbone=... the ResNet-50 starts untrained.
"""

_base_ = ["mmdet::selfsup_pretrain/mask-rcnn_r50-mocov2-pre_fpn_1x_coco.py"]
custom_imports = dict(imports=["mmtaskssl"])

model = dict(
    backbone=dict(frozen_stages=-1, init_cfg=None),
    neck=dict(norm_cfg=dict(type="SyncBN", requires_grad=True)),
)
