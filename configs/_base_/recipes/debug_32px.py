# Twelve iterations on generated images: seconds on a CPU.
_base_ = [
    "../datasets/synthetic.py",
    "../schedules/sgd_coslr-20k.py",
    "../iter_runtime.py",
]

max_iters = 12
train_cfg = dict(max_iters=max_iters)
param_scheduler = [dict(type="CosineAnnealingLR", by_epoch=False)]
default_hooks = dict(logger=dict(interval=2), checkpoint=dict(interval=6))
