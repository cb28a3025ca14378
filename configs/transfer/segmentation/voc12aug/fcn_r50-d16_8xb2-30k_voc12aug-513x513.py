r"""FCN-16s on VOC12Aug for 30k iterations, MoCo's protocol.

He et al., Momentum Contrast, CVPR 2020 (https://arxiv.org/abs/1911.05722), appendix
A.4: the 3x3 convolutions of the last stage have dilation 2 and stride 1, so that the
total stride is 16; two more 3x3 convolutions of 256 channels, dilation 6, with batch
norm follow, then one 1x1. Crops of 513, scales 0.5 to 2, 16 images a step, learning
rate 0.003, a tenth of it at 70 % and 90 % of 30k iterations, weight decay 1e-4.
mIoU on VOC12 val. Ours: no auxiliary head, as none is mentioned there.

bash tools/dist_train.sh \
    configs/transfer/segmentation/voc12aug/fcn_r50-d16_8xb2-30k_voc12aug-513x513.py 8 \
    --cfg-options data_root=/data/VOCdevkit/VOC2012 backbone=EXPORT_DIR

Hardware: 8 GPUs. Without backbone=... the ResNet-50 starts untrained.
"""

_base_ = ["mmseg::fcn/fcn_r50-d8_4xb4-20k_voc12aug-512x512.py"]
custom_imports = dict(imports=["mmtaskssl"])

crop_size = (513, 513)
max_iters = 30000

model = dict(
    pretrained=None,
    data_preprocessor=dict(size=crop_size),
    backbone=dict(type="ResNet", strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2)),
    decode_head=dict(channels=256, num_convs=2, dilation=6, concat_input=False),
    auxiliary_head=None,
)
train_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadAnnotations"),
    dict(
        type="RandomResize", scale=(2048, 513), ratio_range=(0.5, 2.0), keep_ratio=True
    ),
    dict(type="RandomCrop", crop_size=crop_size, cat_max_ratio=0.75),
    dict(type="RandomFlip", prob=0.5),
    dict(type="PackSegInputs"),
]
dataset_train = dict(
    type="PascalVOCDataset",
    data_root="data/VOCdevkit/VOC2012",
    data_prefix=dict(img_path="JPEGImages", seg_map_path="SegmentationClass"),
    ann_file="ImageSets/Segmentation/train.txt",
    pipeline=train_pipeline,
)
dataset_aug = dict(
    type="PascalVOCDataset",
    data_root="data/VOCdevkit/VOC2012",
    data_prefix=dict(img_path="JPEGImages", seg_map_path="SegmentationClassAug"),
    ann_file="ImageSets/Segmentation/aug.txt",
    pipeline=train_pipeline,
)
train_dataloader = dict(
    batch_size=2, dataset=dict(datasets=[dataset_train, dataset_aug])
)
optimizer = dict(type="SGD", lr=0.003, momentum=0.9, weight_decay=1e-4)
optim_wrapper = dict(optimizer=optimizer)
param_scheduler = [
    dict(
        type="MultiStepLR",
        begin=0,
        end=max_iters,
        by_epoch=False,
        milestones=[21000, 27000],
        gamma=0.1,
    )
]
train_cfg = dict(max_iters=max_iters, val_interval=10000)
default_hooks = dict(checkpoint=dict(interval=10000, max_keep_ckpts=1))
auto_scale_lr = dict(enable=False, base_batch_size=16)
