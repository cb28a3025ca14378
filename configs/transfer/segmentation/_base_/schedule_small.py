# SGD with mmseg's polynomial decay for a few hundred iterations, in the number format
# and memory layout that the machine is fast in (`optim_wrapper.precision` forces one).
_base_ = "mmseg::_base_/default_runtime.py"

max_iters = 400

train_cfg = dict(type="IterBasedTrainLoop", max_iters=max_iters, val_interval=max_iters)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")
optim_wrapper = dict(
    type="mmtaskssl.AutoPrecisionOptimWrapper",
    optimizer=dict(type="SGD", lr=0.05, momentum=0.9, weight_decay=1e-4),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=False, begin=0, end=20),
    # Without an end they end with the training, whatever its length.
    dict(type="PolyLR", power=0.9, eta_min=0, by_epoch=False, begin=20),
]
default_hooks = dict(
    timer=dict(type="IterTimerHook"),
    logger=dict(type="LoggerHook", interval=25, log_metric_by_epoch=False),
    param_scheduler=dict(type="ParamSchedulerHook"),
    checkpoint=dict(
        type="CheckpointHook", by_epoch=False, interval=max_iters, max_keep_ckpts=1
    ),
    sampler_seed=dict(type="DistSamplerSeedHook"),
    visualization=dict(type="SegVisualizationHook"),
)
custom_hooks = [dict(type="mmtaskssl.ChannelsLastHook")]
randomness = dict(seed=0)
auto_scale_lr = dict(enable=False, base_batch_size=8)
