# default_runtime.py for full size on GPUs. bfloat16 (the optimizer wrapper's choice),
# channels-last weights for the tensor cores, and cuDNN's fastest algorithm for each
# shape, found by trying: sub-nets are many, but their shapes repeat. Not measured on a
# GPU yet, any of it; `optim_wrapper.precision=float32` keeps to float32.
_base_ = "./default_runtime.py"

env_cfg = dict(cudnn_benchmark=True)
custom_hooks = [dict(type="ChannelsLastHook")]
