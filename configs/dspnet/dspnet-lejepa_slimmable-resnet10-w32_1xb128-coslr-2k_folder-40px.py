r"""DSPNet on LeJEPA, for thousands of steps on one CPU core: four 10-layer ResNets.

Wang et al., DSPNet, 2022 (https://arxiv.org/abs/2207.06075), on another base than the
paper's: Balestriero and LeCun, LeJEPA, 2025 (https://arxiv.org/abs/2511.08544).
Ours: all but the two ideas; 40 px, no blur and no local views; a step trains the
widest, the narrowest and one width between.

python tools/train.py \
    configs/dspnet/dspnet-lejepa_slimmable-resnet10-w32_1xb128-coslr-2k_folder-40px.py \
    --cfg-options images=/my/folder max_iters=2000

Hardware: one CPU core.
"""

_base_ = ["../_base_/models/slimmable_lejepa.py", "../_base_/recipes/cpu_40px.py"]

model = dict(
    subnet_sampler=dict(type="Sandwich"),
    data_preprocessor=dict(view_size=40, augment=dict(blur=0.0), local_size=20),
    backbone=dict(
        _delete_=True,
        type="DynamicResNet",
        space=dict(
            kind="list",
            arch=dict(kind="resnet", block="basic", stem_kernel=7),
            subnets=[
                "s32-w32.64.128.256-d1.1.1.1",
                "s24-w24.48.96.192-d1.1.1.1",
                "s16-w16.32.64.128-d1.1.1.1",
                "s8-w8.16.32.64-d1.1.1.1",
            ],
            anchors={
                "1": "s32-w32.64.128.256-d1.1.1.1",
                "0.75": "s24-w24.48.96.192-d1.1.1.1",
                "0.5": "s16-w16.32.64.128-d1.1.1.1",
                "0.25": "s8-w8.16.32.64-d1.1.1.1",
            },
        ),
        norm_cfg=dict(type="SwitchableBN"),
        zero_init_residual=False,
        out_indices=(3,),
    ),
    neck=dict(in_channels=256, hid_channels=512, out_channels=64),
)

optim_wrapper = dict(
    optimizer=dict(_delete_=True, type="AdamW", lr=2e-3, weight_decay=1e-2),
)
