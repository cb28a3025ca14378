# PASCAL VOC 2007 (Everingham et al., IJCV 2010): 20 classes, several an image;
# official 2,501 training, 2,510 validation and 4,952 test images. Mean average
# precision at 11 recalls; images with difficult objects only do not count for their
# class. data/VOCdevkit/VOC2007: VOCtrainval_06-Nov-2007.tar and
# VOCtest_06-Nov-2007.tar.
_base_ = "./public.py"

model = dict(
    head=dict(
        type="mmcls.MultiLabelLinearClsHead",
        num_classes=20,
        loss=dict(type="PartialBinaryCrossEntropy", _delete_=True),
    )
)
train_dataloader = dict(dataset=dict(name="voc2007"))
val_dataloader = dict(dataset=dict(name="voc2007"))
test_dataloader = dict(dataset=dict(name="voc2007"))
val_evaluator = dict(metric="mAP_11point")
test_evaluator = dict(metric="mAP_11point")
