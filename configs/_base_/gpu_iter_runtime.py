# gpu_runtime.py for schedules counted in iterations.
_base_ = "./iter_runtime.py"

env_cfg = dict(cudnn_benchmark=True)
custom_hooks = [dict(type="ChannelsLastHook")]
