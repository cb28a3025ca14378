r"""SimSiam for thousands of steps on one CPU core: 10-layer half-width ResNet, 40 px.

Chen and He, Exploring Simple Siamese Representation Learning, CVPR 2021
(https://arxiv.org/abs/2011.10566).
Ours: everything but the method and the predictor's constant rate: widths; no blur at 40
px; residual branches that do not start at zero, which short trainings do not get over.

python tools/train.py \
    configs/selfsup/simsiam/simsiam_resnet10-w32_1xb128-coslr-2k_folder-40px.py \
    --cfg-options images=/my/folder max_iters=2000

Hardware: one CPU core.
"""

_base_ = [
    "../../_base_/models/simsiam.py",
    "../../_base_/recipes/cpu_40px.py",
]

model = dict(
    data_preprocessor=dict(view_size=40, augment=dict(blur=0.0)),
    backbone=dict(
        _delete_=True,
        type="SubnetResNet",
        subnet="s32-w32.64.128.256-d1.1.1.1",
        arch=dict(kind="resnet", block="basic", stem_kernel=7),
        zero_init_residual=False,
        out_indices=(3,),
    ),
    neck=dict(in_channels=256, hid_channels=512, out_channels=512),
    head=dict(predictor=dict(in_channels=512, hid_channels=128, out_channels=512)),
)

# The predictor's rate does not decay (section 4.1 of the paper).
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys={"predictor": dict(fix_lr=True)}),
)
default_hooks = dict(fixed_lr=dict(type="FixedLrHook"))
