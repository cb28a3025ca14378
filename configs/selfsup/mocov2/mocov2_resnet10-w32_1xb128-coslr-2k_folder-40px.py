r"""MoCo v2 for thousands of steps on one CPU core: 10-layer half-width ResNet, 40 px.

Chen et al., Improved Baselines with Momentum Contrastive Learning, 2020
(https://arxiv.org/abs/2003.04297).
Ours: everything but the method. One basic block a stage after the usual stem; no blur
at 40 px; a queue of 1,024 keys, which fits pools of a few thousand images; bfloat16
autocast and channels-last weights, which are faster on a CPU with the instructions.
Two choices decide whether so short a training learns anything: residual branches that
do not start at zero, and batch norm in the projector (see model_zoo.md).

python tools/train.py \
    configs/selfsup/mocov2/mocov2_resnet10-w32_1xb128-coslr-2k_folder-40px.py \
    --cfg-options images=/my/folder max_iters=2000

Hardware: one CPU core.
"""

_base_ = [
    "../../_base_/models/mocov2.py",
    "../../_base_/datasets/folder.py",
    "../../_base_/schedules/sgd_coslr-20k.py",
    "../../_base_/iter_runtime.py",
]

max_iters = 2000

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

train_dataloader = dict(
    batch_size=128,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(store_size=48, cache="ram"),
)
optim_wrapper = dict(type="BFloat16OptimWrapper", optimizer=dict(lr=0.06))
auto_scale_lr = dict(base_batch_size=128)
train_cfg = dict(max_iters=max_iters)
default_hooks = dict(
    checkpoint=dict(interval=1000, max_keep_ckpts=1), logger=dict(interval=100)
)
custom_hooks = [dict(type="ChannelsLastHook")]
