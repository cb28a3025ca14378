# A schedule by iterations. `--cfg-options max_iters=5000` shortens all of it.
max_iters = 20000

optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="SGD", lr=0.12, momentum=0.9, weight_decay=5e-4),
)
auto_scale_lr = dict(base_batch_size=256)

# Without `end`, the Runner takes the loop's length.
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=False, end=200),
    dict(type="CosineAnnealingLR", by_epoch=False, begin=200),
]
train_cfg = dict(type="SeekableIterLoop", max_iters=max_iters)
