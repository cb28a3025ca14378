r"""Distillation into four widths at once, debug: generated images; teaches nothing.

python tools/train.py \
    configs/distill/distill-slimmable_resnet18-w8_1xb16-coslr-12i_debug-32px.py
"""

_base_ = ["../_base_/models/elastic_distill.py", "../_base_/recipes/debug_32px.py"]

teacher = "selfsup/mocov2/mocov2_resnet18-w8_1xb16-coslr-12i_debug-32px.py=random"

model = dict(
    data_preprocessor=dict(view_size=16),
    subnet_sampler=dict(_delete_=True, type="AllSubnets"),
    backbone=dict(
        space=dict(
            kind="list",
            arch=dict(kind="resnet", block="basic", stem_kernel=7),
            subnets=["s8-w8.16.32.64-d2.2.2.2", "s4-w4.8.16.32-d2.2.2.2"],
        ),
        norm_cfg=dict(type="SwitchableBN"),
    ),
    distill=dict(teacher=dict(network=teacher, view_size=32)),
)
