r"""Distillation into four widths at once: 10-layer ResNets at 40 px on one CPU core.

The widths are those of dspnet-byol_slimmable-resnet10-w32_1xb128-coslr-2k_folder-40px,
batch norms are each width's own; the losses are
distill_resnet10-w32_1xb128-coslr-2k_folder-40px's. A step trains the widest, the
narrowest and one between; all imitate the one answer of the teacher.

python tools/train.py \
    configs/distill/distill-slimmable_resnet10-w32_1xb128-coslr-2k_folder-40px.py \
    --teacher timm:tf_efficientnet_lite0=/my/lite0.pth \
    --cfg-options images=/my/folder max_iters=2000

Hardware: one CPU core.
"""

_base_ = [
    "../_base_/models/elastic_distill.py",
    "../_base_/recipes/distill_cpu_40px.py",
]

model = dict(
    data_preprocessor=dict(view_size=40, augment=dict(blur=0.0)),
    backbone=dict(
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
    ),
    distill=dict(
        teacher=dict(view_size=80),
        head=dict(num_layers=2, hid_channels=512, norm="SwitchableBN", num_switches=4),
    ),
)
