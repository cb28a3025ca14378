# Any folder of images at 64 px, in the number format and memory layout that the machine
# is fast in (`optim_wrapper.precision` forces one).
_base_ = [
    "../datasets/folder.py",
    "../schedules/sgd_coslr-20k.py",
    "../iter_runtime.py",
]

optim_wrapper = dict(type="AutoPrecisionOptimWrapper")
custom_hooks = [dict(type="ChannelsLastHook")]
