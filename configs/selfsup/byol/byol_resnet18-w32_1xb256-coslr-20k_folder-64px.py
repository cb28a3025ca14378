r"""BYOL, small: half-width ResNet-18 at 64 px on a folder of images.

Grill et al., Bootstrap Your Own Latent, NeurIPS 2020
(https://arxiv.org/abs/2006.07733).
All but the widths is byol_resnet18_1xb256-coslr-20k_folder-64px's.

python tools/train.py \
    configs/selfsup/byol/byol_resnet18-w32_1xb256-coslr-20k_folder-64px.py \
    --cfg-options images=/my/folder max_iters=20000

Hardware: one GPU, or a patient CPU; about 0.3 GiB a GPU (computed, not measured).
"""

_base_ = "./byol_resnet18_1xb256-coslr-20k_folder-64px.py"

model = dict(
    backbone=dict(stem_channels=32, base_channels=32),
    neck=dict(in_channels=256, hid_channels=512),
    head=dict(predictor=dict(hid_channels=512)),
)
