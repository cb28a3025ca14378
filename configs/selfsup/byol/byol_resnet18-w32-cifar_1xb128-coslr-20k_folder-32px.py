r"""BYOL, tiny: half-width ResNet-18 at 32 px on a folder of images.

Grill et al., Bootstrap Your Own Latent, NeurIPS 2020
(https://arxiv.org/abs/2006.07733).
Ours: everything but the method: SGD instead of LARS; no blur and crops of a fifth or
more at 32 px; a 3x3 stem, and stride 2 in all four stages, which costs a quarter of
the usual CIFAR network.

python tools/train.py \
    configs/selfsup/byol/byol_resnet18-w32-cifar_1xb128-coslr-20k_folder-32px.py \
    --cfg-options images=/my/folder max_iters=20000

Hardware: one or two CPU cores.
"""

_base_ = [
    "../../_base_/models/byol.py",
    "../../_base_/recipes/cpu_32px.py",
]

model = dict(
    data_preprocessor=dict(view_size=32, augment=dict(crop_scale=(0.2, 1.0), blur=0.0)),
    backbone=dict(
        _delete_=True,
        type="mmcls.ResNet_CIFAR",
        depth=18,
        stem_channels=32,
        base_channels=32,
        strides=(2, 2, 2, 2),
        out_indices=(3,),
        norm_cfg=dict(type="BN"),
        zero_init_residual=False,
    ),
    neck=dict(in_channels=256, hid_channels=512, out_channels=128),
    head=dict(predictor=dict(in_channels=128, hid_channels=512, out_channels=128)),
)
