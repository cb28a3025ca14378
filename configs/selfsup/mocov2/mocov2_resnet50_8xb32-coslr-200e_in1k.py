"""MoCo v2, full: ResNet-50 at 224 px on ImageNet, 200 epochs.

Chen et al., Improved Baselines with Momentum Contrastive Learning, 2020
(https://arxiv.org/abs/2003.04297). All of it is the paper's and its public code's:
batch 256, rate 0.03 with cosine decay, decay 1e-4, a queue of 65,536, momentum 0.999,
temperature 0.2, an MLP projection.
The paper reports 67.5 % top-1 for a linear classifier; not measured here.

tools/dist_train.sh configs/selfsup/mocov2/mocov2_resnet50_8xb32-coslr-200e_in1k.py 8

Hardware: 8 GPUs; about 2.0 GiB a GPU (computed, not measured). bfloat16 and
channels-last are not yet measured on a GPU. On fewer, `--auto-scale-lr` or
`train_dataloader.batch_size`.
"""

_base_ = [
    "../../_base_/models/mocov2.py",
    "../../_base_/datasets/imagenet.py",
    "../../_base_/schedules/sgd_coslr-200e.py",
    "../../_base_/gpu_runtime.py",
]

# The published queue, whatever the number of images.
default_hooks = dict(queue=dict(keep=True))
