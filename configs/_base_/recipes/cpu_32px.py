# A small pool at 32 px on one or two CPU cores, in the number format and memory layout
# that the machine is fast in (`optim_wrapper.precision` forces one).
_base_ = [
    "../datasets/folder.py",
    "../schedules/sgd_coslr-20k.py",
    "../iter_runtime.py",
]

train_dataloader = dict(batch_size=128, num_workers=1, dataset=dict(store_size=64))
optim_wrapper = dict(type="AutoPrecisionOptimWrapper", optimizer=dict(lr=0.06))
auto_scale_lr = dict(base_batch_size=128)
custom_hooks = [dict(type="ChannelsLastHook")]
