optim_wrapper = dict(
    type="AutoPrecisionOptimWrapper",
    optimizer=dict(type="SGD", lr=0.03, momentum=0.9, weight_decay=1e-4),
)
auto_scale_lr = dict(base_batch_size=256)

param_scheduler = [dict(type="CosineAnnealingLR", by_epoch=True)]
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=200)
