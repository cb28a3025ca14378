r"""BYOL supernet, full: DATA's 85,293 bottleneck ResNets on ImageNet, 300 epochs.

Grill et al., Bootstrap Your Own Latent, NeurIPS 2020
(https://arxiv.org/abs/2006.07733): its setting for 300 epochs, with batch 4,096, LARS
with rate 4.8 after 10 epochs of warm-up, cosine decay, decay 1e-6 but for batch norm
and biases, momentum from 0.99 to 1, batch norm over all processes.
Chang et al., DATA, CVPR 2022 (https://arxiv.org/abs/2203.09041): the space and the step
of MAX, MIN and one random net; it names other methods without their recipes.
Ours: MAX's average is the target of all sub-nets, which share projector and predictor.
Not measured here.

NNODES=2 NODE_RANK=... MASTER_ADDR=... tools/dist_train.sh \
    configs/data/supernet-byol_dynamic-resnet_16xb256-coslr-300e_in1k.py 8

Hardware: 16 GPUs; about 50.1 GiB a GPU (computed, not measured). bfloat16 and
channels-last are not yet measured on a GPU. On fewer, accumulate:
`--cfg-options optim_wrapper.accumulative_counts=16 batch_size=32` on 8 GPUs.
"""

_base_ = [
    "../_base_/models/supernet_byol.py",
    "../_base_/datasets/imagenet.py",
    "../_base_/schedules/lars_coslr-300e.py",
    "../_base_/gpu_runtime.py",
]

sync_bn = "torch"
train_dataloader = dict(batch_size=256)
# The projector's batch norms.
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys={"norms": dict(decay_mult=0, lars_exclude=True)})
)

default_hooks = dict(collapse=dict(type="CollapseMonitorHook", interval=1000))
