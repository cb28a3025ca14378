# Few steps of one cycle for networks that already know something: the rate rises for a
# tenth of them and falls along a cosine. `--cfg-options max_iters=400` stretches it.
max_iters = 200

optim_wrapper = dict(
    type="AutoPrecisionOptimWrapper",
    optimizer=dict(type="AdamW", lr=2e-4, weight_decay=1e-4),
)
auto_scale_lr = dict(base_batch_size=64)

# Without `end`, the Runner takes the loop's length.
param_scheduler = [
    dict(type="LinearLR", start_factor=0.04, by_epoch=False, end=20),
    dict(type="CosineAnnealingLR", by_epoch=False, begin=20),
]
train_cfg = dict(type="SeekableIterLoop", max_iters=max_iters)
