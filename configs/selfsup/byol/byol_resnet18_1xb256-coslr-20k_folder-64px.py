r"""BYOL, small: ResNet-18 at 64 px on a folder of images.

Grill et al., Bootstrap Your Own Latent, NeurIPS 2020
(https://arxiv.org/abs/2006.07733).
Ours: everything but the method: SGD instead of LARS, whose layer-wise scaling is for
batches of thousands; narrower projections; crops of a fifth of the image or more and
blur scaled from 224 to 64 px.

python tools/train.py \
    configs/selfsup/byol/byol_resnet18_1xb256-coslr-20k_folder-64px.py \
    --cfg-options images=/my/folder max_iters=20000

Hardware: one GPU, or a patient CPU; about 0.7 GiB a GPU (computed, not measured).
"""

_base_ = [
    "../../_base_/models/byol.py",
    "../../_base_/recipes/folder_64px.py",
]

model = dict(
    data_preprocessor=dict(
        view_size=64, augment=dict(crop_scale=(0.2, 1.0), blur_sigma=(0.1, 0.6))
    ),
    backbone=dict(depth=18),
    neck=dict(in_channels=512, hid_channels=1024, out_channels=128),
    head=dict(predictor=dict(in_channels=128, hid_channels=1024, out_channels=128)),
)
