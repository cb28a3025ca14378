r"""Any export as a segmentor of street scenes, in three minutes of one CPU core.

CamVid (Brostow et al., 2009) at 299 x 224 px: 367 images to train with and 233 to test,
eleven classes, index 11 is void. Ours: FCN at stride 8, crops of 160 px, 400
iterations of eight. Measured with three seeds (model_zoo.md has every method): mIoU
31.4 ± 1.6 from scratch, 32.9 ± 0.8 from MoCo v2 of the small setting.

python tools/train.py \
    configs/transfer/segmentation/camvid/fcn_d8_1xb8-400i_camvid-160px.py \
    --cfg-options data_root=/data/camvid backbone=EXPORT_DIR randomness.seed=0

`weights=random` beside it trains the same architecture from scratch.
Hardware: one CPU core.
"""

_base_ = ["../_base_/fcn_small.py", "../_base_/schedule_small.py"]

data_root = "data/camvid"
crop_size = (160, 160)
void = 11

model = dict(
    data_preprocessor=dict(size=crop_size, seg_pad_val=void),
    decode_head=dict(num_classes=11, ignore_index=void),
    auxiliary_head=dict(num_classes=11, ignore_index=void),
)
camvid = dict(
    type="BaseSegDataset",
    data_root=data_root,
    img_suffix=".jpg",
    seg_map_suffix=".png",
    metainfo=dict(
        classes=(
            "sky",
            "building",
            "pole",
            "road",
            "pavement",
            "tree",
            "sign",
            "fence",
            "car",
            "pedestrian",
            "bicyclist",
        ),
        palette=[
            [128, 128, 128],
            [128, 0, 0],
            [192, 192, 128],
            [128, 64, 128],
            [60, 40, 222],
            [128, 128, 0],
            [192, 128, 128],
            [64, 64, 128],
            [64, 0, 128],
            [64, 64, 0],
            [0, 128, 192],
        ],
    ),
)
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    persistent_workers=False,
    sampler=dict(type="InfiniteSampler", shuffle=True),
    dataset=dict(
        **camvid,
        data_prefix=dict(img_path="img/train", seg_map_path="ann/train"),
        pipeline=[
            dict(type="LoadImageFromFile"),
            dict(type="LoadAnnotations"),
            dict(type="RandomFlip", prob=0.5),
            dict(type="RandomCrop", crop_size=crop_size, cat_max_ratio=0.75),
            dict(type="PackSegInputs"),
        ],
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    persistent_workers=False,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        **camvid,
        data_prefix=dict(img_path="img/test", seg_map_path="ann/test"),
        pipeline=[
            dict(type="LoadImageFromFile"),
            dict(type="LoadAnnotations"),
            dict(type="PackSegInputs"),
        ],
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type="IoUMetric", iou_metrics=["mIoU"], ignore_index=void)
test_evaluator = val_evaluator
