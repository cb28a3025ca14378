r"""VICReg, small: ResNet-18 at 64 px on a folder of images.

Bardes et al., VICReg, ICLR 2022 (https://arxiv.org/abs/2105.04906).
Ours: everything but the objective: network, AdamW's rate and decay, blur scaled from
224 to 64 px, residual branches that do not start at zero,
and a narrower expander.

python tools/train.py \
    configs/selfsup/vicreg/vicreg_resnet18_1xb256-coslr-20k_folder-64px.py \
    --cfg-options images=/my/folder max_iters=20000

Hardware: one GPU, or a patient CPU; about 0.7 GiB a GPU (computed, not measured).
"""

_base_ = [
    "../../_base_/models/vicreg.py",
    "../../_base_/recipes/folder_64px.py",
]

model = dict(
    data_preprocessor=dict(
        preset="mocov2", view_size=64, augment=dict(blur_sigma=(0.1, 0.6))
    ),
    backbone=dict(depth=18, zero_init_residual=False),
    neck=dict(in_channels=512, hid_channels=1024, out_channels=1024),
)

optim_wrapper = dict(
    optimizer=dict(_delete_=True, type="AdamW", lr=2e-3, weight_decay=1e-2),
)
