# Thousands of steps on one CPU core: 40 px, in the number format and memory layout that
# the machine is fast in; any folder of images, decoded once. The method's leaf sets
# `model`, without blur at this size.
_base_ = [
    "../datasets/folder.py",
    "../schedules/sgd_coslr-20k.py",
    "../iter_runtime.py",
]

max_iters = 2000

train_dataloader = dict(
    batch_size=128,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(store_size=48, cache="ram"),
)
# `optim_wrapper.precision=float32` or `bfloat16` forces a format.
optim_wrapper = dict(type="AutoPrecisionOptimWrapper", optimizer=dict(lr=0.06))
auto_scale_lr = dict(base_batch_size=128)
train_cfg = dict(max_iters=max_iters)
default_hooks = dict(
    checkpoint=dict(interval=1000, max_keep_ckpts=1), logger=dict(interval=100)
)
custom_hooks = [dict(type="ChannelsLastHook")]
