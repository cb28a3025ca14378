# mmcls' classifier with one linear layer. `--cfg-options backbone=EXPORT_DIR` takes the
# place of the backbone; the head's input follows.
model = dict(
    type="mmcls.ImageClassifier",
    data_preprocessor=dict(type="LabeledViewPreprocessor", view_size=224),
    backbone=dict(
        type="SubnetResNet",
        subnet="s64-w64.128.256.512-d3.4.6.3",
        out_indices=(3,),
    ),
    neck=dict(type="mmcls.GlobalAveragePooling"),
    head=dict(
        type="mmcls.LinearClsHead",
        num_classes=1000,
        in_channels=2048,
        loss=dict(type="mmcls.CrossEntropyLoss"),
    ),
)
val_evaluator = dict(type="mmcls.Accuracy", topk=(1,))
test_evaluator = val_evaluator
val_cfg = dict()
test_cfg = dict()
