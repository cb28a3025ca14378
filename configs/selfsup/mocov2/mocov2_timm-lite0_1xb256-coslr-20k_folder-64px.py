r"""MoCo v2, small: timm's EfficientNet-Lite0 at 64 px on a folder of images.

Chen et al., Improved Baselines with Momentum Contrastive Learning, 2020
(https://arxiv.org/abs/2003.04297); EfficientNet-Lite0: timm's `tf_efficientnet_lite0`.
Ours: everything but the method, and that the pixels are normalised as the published
weights of this network expect. Any other network of timm goes the same way: its name,
its channels in `model.neck.in_channels`, its mean and std.

python tools/train.py \
    configs/selfsup/mocov2/mocov2_timm-lite0_1xb256-coslr-20k_folder-64px.py \
    --cfg-options images=/my/folder max_iters=20000

Hardware: one GPU, or a patient CPU; about 1.0 GiB a GPU (computed, not measured).
"""

_base_ = "./mocov2_resnet18_1xb256-coslr-20k_folder-64px.py"

model = dict(
    data_preprocessor=dict(mean=[127.5] * 3, std=[127.5] * 3),
    backbone=dict(_delete_=True, type="TimmBackbone", name="tf_efficientnet_lite0"),
    neck=dict(in_channels=1280),
)
