optim_wrapper = dict(
    type="AutoPrecisionOptimWrapper",
    # The host's LARS, but for its two waits for the device a parameter and step.
    optimizer=dict(
        type="SafeLARS",
        lr=4.8,
        momentum=0.9,
        weight_decay=1e-6,
        move_inactive=True,
    ),
    # Neither decay nor layer-wise scaling for batch norm and biases.
    paramwise_cfg=dict(
        custom_keys={
            "bn": dict(decay_mult=0, lars_exclude=True),
            "bias": dict(decay_mult=0, lars_exclude=True),
            # the batch norm of a ResNet's shortcut
            "downsample.1": dict(decay_mult=0, lars_exclude=True),
        }
    ),
)
auto_scale_lr = dict(base_batch_size=4096)

param_scheduler = [
    dict(
        type="LinearLR",
        start_factor=1e-4,
        by_epoch=True,
        end=10,
        convert_to_iter_based=True,
    ),
    dict(type="CosineAnnealingLR", by_epoch=True, begin=10, convert_to_iter_based=True),
]
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=300)
