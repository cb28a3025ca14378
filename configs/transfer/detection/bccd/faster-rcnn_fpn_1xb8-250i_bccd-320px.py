r"""Any export as a detector of blood cells, in two minutes of one CPU core.

BCCD (https://github.com/Shenggan/BCCD_Dataset): 292 images to train with and 72 to
test, white and red cells and platelets. The schedule is ours. Measured with three seeds
(model_zoo.md has every method): mAP 38.9 ± 2.5 from scratch, 41.3 ± 1.1 from MoCo v2
and 43.3 ± 1.2 from SimSiam of the small setting.

python tools/train.py \
    configs/transfer/detection/bccd/faster-rcnn_fpn_1xb8-250i_bccd-320px.py \
    --cfg-options data_root=/data/bccd/ backbone=EXPORT_DIR randomness.seed=0

`weights=random` beside it trains the same architecture from scratch.
Hardware: one CPU core.
"""

_base_ = [
    "../_base_/faster-rcnn_fpn_small.py",
    "../_base_/voc_xml_small.py",
    "../_base_/schedule_small.py",
]

data_root = "data/bccd/"
metainfo = dict(classes=("WBC", "RBC", "Platelets"))

model = dict(roi_head=dict(bbox_head=dict(num_classes=3)))
train_dataloader = dict(
    dataset=dict(
        data_root=data_root, metainfo=metainfo, ann_file="ImageSets/Main/trainval.txt"
    )
)
val_dataloader = dict(dataset=dict(data_root=data_root, metainfo=metainfo))
test_dataloader = val_dataloader
