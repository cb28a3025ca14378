# SGD with cosine decay for a few hundred iterations, in the number format and memory
# layout that the machine is fast in (`optim_wrapper.precision` forces one).
_base_ = "mmdet::_base_/default_runtime.py"

max_iters = 250

train_cfg = dict(type="IterBasedTrainLoop", max_iters=max_iters, val_interval=max_iters)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")
optim_wrapper = dict(
    type="mmtaskssl.AutoPrecisionOptimWrapper",
    optimizer=dict(type="SGD", lr=0.02, momentum=0.9, weight_decay=1e-4),
    clip_grad=dict(max_norm=10),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=False, begin=0, end=50),
    # Without an end they end with the training, whatever its length.
    dict(type="CosineAnnealingLR", by_epoch=False, begin=50),
]
default_hooks = dict(
    logger=dict(interval=25, log_metric_by_epoch=False),
    checkpoint=dict(by_epoch=False, interval=max_iters, max_keep_ckpts=1),
)
log_processor = dict(by_epoch=False)
custom_hooks = [dict(type="mmtaskssl.ChannelsLastHook")]
randomness = dict(seed=0)
auto_scale_lr = dict(enable=False, base_batch_size=8)
