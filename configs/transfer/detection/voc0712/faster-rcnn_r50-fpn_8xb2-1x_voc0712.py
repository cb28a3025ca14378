r"""Faster R-CNN with an FPN on VOC07+12, mmdet's schedule of twelve epochs.

mmdet's own recipe with MoCo's treatment of batch norm
(https://arxiv.org/abs/1911.05722, appendix): everything is fine-tuned, norms are
trained and synchronised, the FPN has them, too. The repeated data set makes four epochs
twelve. AP50 on VOC07 test, 11 points.

bash tools/dist_train.sh \
    configs/transfer/detection/voc0712/faster-rcnn_r50-fpn_8xb2-1x_voc0712.py 8 \
    --cfg-options data_root=/data/VOCdevkit/ backbone=EXPORT_DIR

Hardware: 8 GPUs. Without backbone=... the ResNet-50 starts untrained.
"""

_base_ = ["mmdet::pascal_voc/faster-rcnn_r50_fpn_1x_voc0712.py"]
custom_imports = dict(imports=["mmtaskssl"])

norm_cfg = dict(type="SyncBN", requires_grad=True)
model = dict(
    backbone=dict(frozen_stages=-1, norm_cfg=norm_cfg, norm_eval=False, init_cfg=None),
    neck=dict(norm_cfg=norm_cfg),
)
