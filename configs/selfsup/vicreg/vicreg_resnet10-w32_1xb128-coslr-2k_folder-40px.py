r"""VICReg for thousands of steps on one CPU core: 10-layer half-width ResNet, 40 px.

Bardes et al., VICReg, ICLR 2022 (https://arxiv.org/abs/2105.04906).
Ours: everything but the objective and its weights: network, a narrower expander,
AdamW; no blur at 40 px, crops of a fifth or more.

python tools/train.py \
    configs/selfsup/vicreg/vicreg_resnet10-w32_1xb128-coslr-2k_folder-40px.py \
    --cfg-options images=/my/folder max_iters=2000

Hardware: one CPU core.
"""

_base_ = [
    "../../_base_/models/vicreg.py",
    "../../_base_/recipes/cpu_40px.py",
]

model = dict(
    data_preprocessor=dict(preset="mocov2", view_size=40, augment=dict(blur=0.0)),
    backbone=dict(
        _delete_=True,
        type="SubnetResNet",
        subnet="s32-w32.64.128.256-d1.1.1.1",
        arch=dict(kind="resnet", block="basic", stem_kernel=7),
        zero_init_residual=False,
        out_indices=(3,),
    ),
    neck=dict(in_channels=256, hid_channels=512, out_channels=512),
)

optim_wrapper = dict(
    optimizer=dict(_delete_=True, type="AdamW", lr=2e-3, weight_decay=1e-2),
)
