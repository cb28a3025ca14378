# A classifier of a few hundred labelled images on one CPU core, 40 px, for backbones
# pre-trained so (recipes/cpu_40px.py), in the number format and memory layout that the
# machine is fast in (`optim_wrapper.precision` forces one).
_base_ = [
    "../models/classifier.py",
    "../datasets/labeled_folder.py",
    "../iter_runtime.py",
]

max_iters = 500

model = dict(
    data_preprocessor=dict(view_size=40, augment=dict(crop_scale=(0.2, 1.0))),
    backbone=dict(
        subnet="s32-w32.64.128.256-d1.1.1.1",
        arch=dict(kind="resnet", block="basic"),
        zero_init_residual=False,
    ),
    head=dict(num_classes=10, in_channels=256),
)
train_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    dataset=dict(store_size=48, cache="ram"),
)
val_dataloader = dict(num_workers=0, dataset=dict(store_size=48, cache="ram"))
test_dataloader = dict(num_workers=0, dataset=dict(store_size=48, cache="ram"))
optim_wrapper = dict(
    type="AutoPrecisionOptimWrapper",
    optimizer=dict(type="SGD", lr=0.02, momentum=0.9, nesterov=True, weight_decay=1e-4),
)
auto_scale_lr = dict(base_batch_size=64)
param_scheduler = [dict(type="CosineAnnealingLR", by_epoch=False)]
train_cfg = dict(type="SeekableIterLoop", max_iters=max_iters, val_interval=250)
default_hooks = dict(
    checkpoint=dict(interval=500, max_keep_ckpts=1), logger=dict(interval=50)
)
custom_hooks = [dict(type="ChannelsLastHook")]
