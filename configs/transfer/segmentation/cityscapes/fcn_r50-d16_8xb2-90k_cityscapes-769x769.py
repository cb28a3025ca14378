r"""FCN-16s on Cityscapes for 90k iterations, MoCo's protocol.

He et al., Momentum Contrast, CVPR 2020 (https://arxiv.org/abs/1911.05722), appendix
A.4: as on VOC12Aug (see voc12aug/fcn_r50-d16_8xb2-30k_voc12aug-513x513.py), but crops
of 769, learning rate 0.01 and 90k iterations on the fine annotations.

bash tools/dist_train.sh \
    configs/transfer/segmentation/cityscapes/fcn_r50-d16_8xb2-90k_cityscapes-769x769.py 8 \
    --cfg-options data_root=/data/cityscapes/ backbone=EXPORT_DIR

Hardware: 8 GPUs. Without backbone=... the ResNet-50 starts untrained.
"""  # noqa: E501

_base_ = ["mmseg::fcn/fcn_r50-d8_4xb2-80k_cityscapes-769x769.py"]
custom_imports = dict(imports=["mmtaskssl"])

max_iters = 90000

model = dict(
    pretrained=None,
    backbone=dict(type="ResNet", strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2)),
    decode_head=dict(channels=256, num_convs=2, dilation=6, concat_input=False),
    auxiliary_head=None,
)
optimizer = dict(type="SGD", lr=0.01, momentum=0.9, weight_decay=1e-4)
optim_wrapper = dict(optimizer=optimizer)
param_scheduler = [
    dict(
        type="MultiStepLR",
        begin=0,
        end=max_iters,
        by_epoch=False,
        milestones=[63000, 81000],
        gamma=0.1,
    )
]
train_cfg = dict(max_iters=max_iters, val_interval=10000)
default_hooks = dict(checkpoint=dict(interval=10000, max_keep_ckpts=1))
auto_scale_lr = dict(enable=False, base_batch_size=16)
