# 16 paths in a ResNet-18 at 64 px, on any folder of images and its clusters.
_base_ = [
    "../datasets/clustered_folder.py",
    "../schedules/sgd_coslr-20k.py",
    "../iter_runtime.py",
]

optim_wrapper = dict(type="AutoPrecisionOptimWrapper")
custom_hooks = [dict(type="ChannelsLastHook")]
default_hooks = dict(
    monitor=dict(type="CollapseMonitorHook", interval=1000, subnets="paths"),
)
