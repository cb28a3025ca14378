r"""LeJEPA for thousands of steps on one CPU core: 10-layer half-width ResNet, 40 px.

Balestriero and LeCun, LeJEPA, 2025 (https://arxiv.org/abs/2511.08544).
Ours: everything but the objective: network, AdamW's rate and decay, two whole views
and no local ones; no blur at 40 px. It needs no queue, no averaged network, no
predictor and no large batch. Four local views:
model.data_preprocessor.local_views=4.

python tools/train.py \
    configs/selfsup/lejepa/lejepa_resnet10-w32_1xb128-coslr-2k_folder-40px.py \
    --cfg-options images=/my/folder max_iters=2000

Hardware: one CPU core.
"""

_base_ = [
    "../../_base_/models/lejepa.py",
    "../../_base_/recipes/cpu_40px.py",
]

model = dict(
    data_preprocessor=dict(
        view_size=40, augment=dict(blur=0.0), local_views=0, local_size=20
    ),
    backbone=dict(
        _delete_=True,
        type="SubnetResNet",
        subnet="s32-w32.64.128.256-d1.1.1.1",
        arch=dict(kind="resnet", block="basic", stem_kernel=7),
        zero_init_residual=False,
        out_indices=(3,),
    ),
    neck=dict(in_channels=256, hid_channels=512, out_channels=64),
)

optim_wrapper = dict(
    optimizer=dict(_delete_=True, type="AdamW", lr=2e-3, weight_decay=1e-2),
)
