r"""RetinaNet on COCO, 12 epochs (1x), all batch norms trained.

Lin et al., Focal Loss for Dense Object Detection (https://arxiv.org/abs/1708.02002), by
mmdet's recipe. Norms as in MoCo's protocol: trained and synchronised, nothing frozen.

bash tools/dist_train.sh \
    configs/transfer/detection/coco/retinanet_r50-fpn_8xb2-1x_coco.py 8 \
    --cfg-options data_root=/data/coco/ backbone=EXPORT_DIR

Hardware: 8 GPUs. Without backbone=... the ResNet-50 starts untrained.
"""

_base_ = ["mmdet::retinanet/retinanet_r50_fpn_1x_coco.py"]
custom_imports = dict(imports=["mmtaskssl"])

norm_cfg = dict(type="SyncBN", requires_grad=True)
model = dict(
    backbone=dict(frozen_stages=-1, norm_cfg=norm_cfg, norm_eval=False, init_cfg=None),
    neck=dict(norm_cfg=norm_cfg),
)
