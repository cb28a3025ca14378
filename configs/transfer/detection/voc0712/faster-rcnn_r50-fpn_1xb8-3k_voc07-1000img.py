r"""Faster R-CNN with an FPN, learned from 1,000 images of VOC07: the few-image recipe.

SEPT's detection targets have 1,000 images each (Lin et al., AAAI 2023,
https://arxiv.org/abs/2212.05473); which ones and for how long is not known. Ours: the
first 1,000 of VOC07 trainval, 3,000 iterations of 8 images, short side 480 to 600, all
batch norms trained. Set train_dataloader.dataset.indices for another number and
train_dataloader.dataset.ann_file for a list of your own.

python tools/train.py \
    configs/transfer/detection/voc0712/faster-rcnn_r50-fpn_1xb8-3k_voc07-1000img.py \
    --cfg-options data_root=/data/VOCdevkit/ backbone=EXPORT_DIR

Hardware: 1 GPU. Without backbone=... the ResNet-50 starts untrained.
"""

_base_ = ["./faster-rcnn_r50-fpn_8xb2-1x_voc0712.py"]

norm_cfg = dict(type="BN", requires_grad=True)
model = dict(backbone=dict(norm_cfg=norm_cfg), neck=dict(norm_cfg=norm_cfg))

train_dataloader = dict(
    batch_size=8,
    num_workers=4,
    sampler=dict(type="InfiniteSampler", shuffle=True),
    dataset=dict(
        _delete_=True,
        type="VOCDataset",
        data_root="data/VOCdevkit/",
        ann_file="VOC2007/ImageSets/Main/trainval.txt",
        data_prefix=dict(sub_data_root="VOC2007/"),
        filter_cfg=dict(filter_empty_gt=True, min_size=32),
        indices=1000,
        pipeline=[
            dict(type="LoadImageFromFile"),
            dict(type="LoadAnnotations", with_bbox=True),
            dict(
                type="RandomChoiceResize",
                scales=[(1000, 480), (1000, 540), (1000, 600)],
                keep_ratio=True,
            ),
            dict(type="RandomFlip", prob=0.5),
            dict(type="PackDetInputs"),
        ],
    ),
)
max_iters = 3000
train_cfg = dict(
    _delete_=True, type="IterBasedTrainLoop", max_iters=max_iters, val_interval=1000
)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.001, by_epoch=False, begin=0, end=100),
    dict(
        type="MultiStepLR",
        begin=0,
        end=max_iters,
        by_epoch=False,
        milestones=[2000, 2700],
        gamma=0.1,
    ),
]
val_evaluator = dict(iou_thrs=[0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95])
test_evaluator = val_evaluator
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=max_iters))
log_processor = dict(by_epoch=False)
auto_scale_lr = dict(enable=False, base_batch_size=8)
