# Twelve iterations of a classifier on generated images: seconds on a CPU.
_base_ = [
    "../models/classifier.py",
    "../datasets/labeled_synthetic.py",
    "../iter_runtime.py",
]

max_iters = 12

model = dict(
    data_preprocessor=dict(view_size=32),
    backbone=dict(
        subnet="s8-w8.16.32.64-d1.1.1.1", arch=dict(kind="resnet", block="basic")
    ),
    head=dict(num_classes=4, in_channels=64),
)
optim_wrapper = dict(
    type="OptimWrapper", optimizer=dict(type="SGD", lr=0.05, momentum=0.9)
)
param_scheduler = [dict(type="CosineAnnealingLR", by_epoch=False)]
train_cfg = dict(type="SeekableIterLoop", max_iters=max_iters, val_interval=6)
default_hooks = dict(logger=dict(interval=2), checkpoint=dict(interval=6))
