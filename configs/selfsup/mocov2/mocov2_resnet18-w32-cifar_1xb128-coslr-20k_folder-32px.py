r"""MoCo v2, tiny: half-width ResNet-18 at 32 px on a folder of images.

Chen et al., Improved Baselines with Momentum Contrastive Learning, 2020
(https://arxiv.org/abs/2003.04297).
Ours: everything but the method. No blur at 32 px, queue and momentum as in the
authors' public CIFAR example; batch norm in the projector, without which
short trainings learn little; a 3x3 stem, and stride 2 in all four stages, which costs a
quarter of the usual CIFAR network.

python tools/train.py \
    configs/selfsup/mocov2/mocov2_resnet18-w32-cifar_1xb128-coslr-20k_folder-32px.py \
    --cfg-options images=/my/folder max_iters=20000

Hardware: one or two CPU cores.
"""

_base_ = [
    "../../_base_/models/mocov2.py",
    "../../_base_/recipes/cpu_32px.py",
]

model = dict(
    queue_len=4096,
    momentum=0.99,
    data_preprocessor=dict(view_size=32, augment=dict(blur=0.0)),
    backbone=dict(
        _delete_=True,
        type="mmcls.ResNet_CIFAR",
        depth=18,
        stem_channels=32,
        base_channels=32,
        strides=(2, 2, 2, 2),
        out_indices=(3,),
        norm_cfg=dict(type="BN"),
        zero_init_residual=False,
    ),
    neck=dict(
        _delete_=True,
        type="mmselfsup.NonLinearNeck",
        in_channels=256,
        hid_channels=256,
        out_channels=128,
        with_bias=True,
        with_last_bn=False,
        norm_cfg=dict(type="BN1d"),
    ),
)
