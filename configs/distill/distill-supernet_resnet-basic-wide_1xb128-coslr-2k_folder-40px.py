r"""Distillation into a wide supernet: 60,000 networks at 40 px on one CPU core.

As distill-supernet_resnet-basic_1xb128-coslr-2k_folder-40px, whose largest and handmade
networks it shares; its smallest takes a 36th of the largest's MACs in place of a
sixth, so that networks of equal cost differ more. The space is ours.

python tools/train.py \
    configs/distill/distill-supernet_resnet-basic-wide_1xb128-coslr-2k_folder-40px.py \
    --teacher timm:tf_efficientnet_lite0=/my/lite0.pth \
    --cfg-options images=/my/folder max_iters=2000

Hardware: one CPU core.
"""

_base_ = ["./distill-supernet_resnet-basic_1xb128-coslr-2k_folder-40px.py"]

model = dict(backbone=dict(space="data_basic_wide"))
