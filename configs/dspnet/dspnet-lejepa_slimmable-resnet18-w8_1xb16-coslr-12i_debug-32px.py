r"""DSPNet on LeJEPA, debug: generated images, a few seconds on a CPU; teaches nothing.

python tools/train.py \
    configs/dspnet/dspnet-lejepa_slimmable-resnet18-w8_1xb16-coslr-12i_debug-32px.py
"""

_base_ = ["../_base_/models/slimmable_lejepa.py", "../_base_/recipes/debug_32px.py"]

model = dict(
    data_preprocessor=dict(view_size=32),
    backbone=dict(
        _delete_=True,
        type="DynamicResNet",
        space=dict(
            kind="list",
            arch=dict(kind="resnet", block="basic", stem_kernel=7),
            subnets=["s8-w8.16.32.64-d2.2.2.2", "s4-w4.8.16.32-d2.2.2.2"],
        ),
        norm_cfg=dict(type="SwitchableBN"),
        out_indices=(3,),
    ),
    neck=dict(in_channels=64, hid_channels=64, out_channels=32, num_switches=2),
)

default_hooks = dict(collapse=dict(type="CollapseMonitorHook", interval=4))
