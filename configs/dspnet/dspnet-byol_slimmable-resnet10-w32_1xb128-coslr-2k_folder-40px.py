r"""DSPNet for thousands of steps on one CPU core: four 10-layer ResNets, 40 px.

Wang et al., DSPNet: Towards Slimmable Pretrained Networks based on Discriminative
Self-supervised Learning, 2022 (https://arxiv.org/abs/2207.06075): train once, slim to
every width. Known from the paper: that, and the distillation; the step is our choice
(see mmtaskssl/models/algorithms/slimmable_base.py).
Ours: one basic block a stage after the usual stem, at full width half of ResNet-18's;
no blur at 40 px and crops of a fifth or more; the number format and memory layout that
the machine is fast in. What decides whether so short a training learns anything:
residual branches that do not start at zero, batch norm in projector and predictor, and
a target that follows within tens of steps. A step trains the widest, the narrowest and
one width between: better here than all four widths (model_zoo.md), and cheaper.

python tools/train.py \
    configs/dspnet/dspnet-byol_slimmable-resnet10-w32_1xb128-coslr-2k_folder-40px.py \
    --cfg-options images=/my/folder max_iters=2000

The networks trained alone, its controls: tools/misc/individual_configs.py.
Hardware: one CPU core.
"""

_base_ = ["../_base_/models/slimmable_byol.py", "../_base_/recipes/cpu_40px.py"]

model = dict(
    base_momentum=0.97,
    subnet_sampler=dict(type="Sandwich"),
    data_preprocessor=dict(view_size=40, augment=dict(crop_scale=(0.2, 1.0), blur=0.0)),
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
    neck=dict(in_channels=256, hid_channels=512, out_channels=128),
    head=dict(predictor=dict(in_channels=128, hid_channels=512, out_channels=128)),
)
