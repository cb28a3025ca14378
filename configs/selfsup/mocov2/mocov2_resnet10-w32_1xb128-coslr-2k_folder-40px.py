r"""MoCo v2 for thousands of steps on one CPU core: 10-layer half-width ResNet, 40 px.

Chen et al., Improved Baselines with Momentum Contrastive Learning, 2020
(https://arxiv.org/abs/2003.04297).
Ours: everything but the method. One basic block a stage after the usual stem; no blur
at 40 px; a queue of at most 1,024 keys, a quarter of a smaller pool; the number
format and memory layout that the machine is fast in.
Two choices decide whether so short a training learns anything: residual branches that
do not start at zero, and batch norm in the projector (see model_zoo.md).

python tools/train.py \
    configs/selfsup/mocov2/mocov2_resnet10-w32_1xb128-coslr-2k_folder-40px.py \
    --cfg-options images=/my/folder max_iters=2000

Hardware: one CPU core.
"""

_base_ = [
    "../../_base_/models/mocov2.py",
    "../../_base_/recipes/cpu_40px.py",
]

model = dict(
    queue_len=1024,
    momentum=0.99,
    data_preprocessor=dict(view_size=40, augment=dict(blur=0.0)),
    backbone=dict(
        _delete_=True,
        type="SubnetResNet",
        subnet="s32-w32.64.128.256-d1.1.1.1",
        arch=dict(kind="resnet", block="basic", stem_kernel=7),
        zero_init_residual=False,
        out_indices=(3,),
    ),
    neck=dict(
        _delete_=True,
        type="mmselfsup.NonLinearNeck",
        in_channels=256,
        hid_channels=512,
        out_channels=128,
        num_layers=2,
        with_last_bn=False,
    ),
)
