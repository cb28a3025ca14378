r"""LeJEPA, small: ResNet-18 at 64 px on a folder of images.

Balestriero and LeCun, LeJEPA, 2025 (https://arxiv.org/abs/2511.08544).
Ours: everything but the objective: network, AdamW's rate and decay, blur scaled from
224 to 64 px, residual branches that do not start at zero,
and no local views (model.data_preprocessor.local_views=4 adds some).

python tools/train.py \
    configs/selfsup/lejepa/lejepa_resnet18_1xb256-coslr-20k_folder-64px.py \
    --cfg-options images=/my/folder max_iters=20000

Hardware: one GPU, or a patient CPU; about 0.7 GiB a GPU (computed, not measured).
"""

_base_ = [
    "../../_base_/models/lejepa.py",
    "../../_base_/recipes/folder_64px.py",
]

model = dict(
    data_preprocessor=dict(
        view_size=64, augment=dict(blur_sigma=(0.1, 0.6)), local_views=0
    ),
    backbone=dict(depth=18, zero_init_residual=False),
    neck=dict(in_channels=512, hid_channels=1024, out_channels=128),
)

optim_wrapper = dict(
    optimizer=dict(_delete_=True, type="AdamW", lr=2e-3, weight_decay=1e-2),
)
