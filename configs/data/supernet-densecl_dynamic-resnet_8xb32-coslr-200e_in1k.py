r"""DenseCL supernet, full: DATA's 85,293 bottleneck ResNets on ImageNet, 200 epochs.

Wang et al., Dense Contrastive Learning for Self-Supervised Visual Pre-Training, CVPR
2021 (https://arxiv.org/abs/2011.09157): 200 epochs, batch 256, rate 0.03 with cosine
decay, decay 1e-4, queues of 65,536, half of the loss dense.
Chang et al., DATA, CVPR 2022 (https://arxiv.org/abs/2203.09041): the space and the step
of MAX, MIN and one random net; it names other methods without their recipes.
Ours: keys once a step; MAX finds the positions' matches for all sub-nets of the step,
whose features differ in width. Not measured here.

tools/dist_train.sh \
    configs/data/supernet-densecl_dynamic-resnet_8xb32-coslr-200e_in1k.py 8

Hardware: 8 GPUs; about 5.9 GiB a GPU (computed, not measured). bfloat16 and
channels-last are not yet measured on a GPU. On fewer, `--auto-scale-lr` or
`train_dataloader.batch_size`.
"""

_base_ = [
    "../_base_/models/supernet_densecl.py",
    "../_base_/datasets/imagenet.py",
    "../_base_/schedules/sgd_coslr-200e.py",
    "../_base_/gpu_runtime.py",
]

default_hooks = dict(
    collapse=dict(type="CollapseMonitorHook", interval=1000),
    # The published queue, whatever the number of images.
    queue=dict(keep=True),
)
