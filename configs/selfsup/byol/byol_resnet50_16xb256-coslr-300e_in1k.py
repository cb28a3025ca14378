r"""BYOL, full: ResNet-50 at 224 px on ImageNet, 300 epochs.

Grill et al., Bootstrap Your Own Latent, NeurIPS 2020
(https://arxiv.org/abs/2006.07733). The paper's setting for its ablations (300 epochs):
batch 4,096, LARS with rate 0.3 x 4,096 / 256 = 4.8 after 10 epochs of warm-up, cosine
decay, decay 1e-6 but for batch norm and biases, momentum from 0.99 to 1, batch norm
over all processes. Its public code starts each residual branch at zero.
The paper reports 72.5 % top-1 for a linear classifier; not measured here.

NNODES=2 NODE_RANK=... MASTER_ADDR=... tools/dist_train.sh \
    configs/selfsup/byol/byol_resnet50_16xb256-coslr-300e_in1k.py 8

Hardware: 16 GPUs; about 23.0 GiB a GPU (computed, not measured). bfloat16 and
channels-last are not yet measured on a GPU. On fewer, accumulate:
`--cfg-options optim_wrapper.accumulative_counts=16 batch_size=32` on 8 GPUs.
"""

_base_ = [
    "../../_base_/models/byol.py",
    "../../_base_/datasets/imagenet.py",
    "../../_base_/schedules/lars_coslr-300e.py",
    "../../_base_/gpu_runtime.py",
]

model = dict(backbone=dict(zero_init_residual=True))

sync_bn = "torch"
train_dataloader = dict(batch_size=256)
