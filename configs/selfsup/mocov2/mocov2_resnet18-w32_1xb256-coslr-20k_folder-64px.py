r"""MoCo v2, small: half-width ResNet-18 at 64 px on a folder of images.

Chen et al., Improved Baselines with Momentum Contrastive Learning, 2020
(https://arxiv.org/abs/2003.04297).
All but the widths is mocov2_resnet18_1xb256-coslr-20k_folder-64px's.

python tools/train.py \
    configs/selfsup/mocov2/mocov2_resnet18-w32_1xb256-coslr-20k_folder-64px.py \
    --cfg-options images=/my/folder max_iters=20000

Hardware: one GPU, or a patient CPU; about 0.2 GiB a GPU (computed, not measured).
"""

_base_ = "./mocov2_resnet18_1xb256-coslr-20k_folder-64px.py"

model = dict(
    backbone=dict(stem_channels=32, base_channels=32),
    neck=dict(in_channels=256, hid_channels=256),
)
