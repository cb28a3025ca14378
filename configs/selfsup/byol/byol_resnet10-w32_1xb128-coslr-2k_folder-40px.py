r"""BYOL for thousands of steps on one CPU core: 10-layer half-width ResNet, 40 px.

Grill et al., Bootstrap Your Own Latent, NeurIPS 2020
(https://arxiv.org/abs/2006.07733).
Ours: everything but the method: SGD instead of LARS; no blur at 40 px and crops of a
fifth or more; a target that follows within tens of steps, and residual branches that do
not start at zero, which short trainings do not get over.

python tools/train.py \
    configs/selfsup/byol/byol_resnet10-w32_1xb128-coslr-2k_folder-40px.py \
    --cfg-options images=/my/folder max_iters=2000

Hardware: one CPU core.
"""

_base_ = [
    "../../_base_/models/byol.py",
    "../../_base_/recipes/cpu_40px.py",
]

model = dict(
    base_momentum=0.97,
    data_preprocessor=dict(view_size=40, augment=dict(crop_scale=(0.2, 1.0), blur=0.0)),
    backbone=dict(
        _delete_=True,
        type="SubnetResNet",
        subnet="s32-w32.64.128.256-d1.1.1.1",
        arch=dict(kind="resnet", block="basic", stem_kernel=7),
        zero_init_residual=False,
        out_indices=(3,),
    ),
    neck=dict(in_channels=256, hid_channels=512, out_channels=128),
    head=dict(predictor=dict(in_channels=128, hid_channels=512, out_channels=128)),
)
