r"""Distillation for thousands of steps on one CPU core: a 10-layer ResNet at 40 px.

Ours, from what is known of distillation without labels: the cosine to the teacher's
centred feature of the same crop behind a two-layer head, as in AM-RADIO (arXiv
2312.06709) and with PHI-S's centring (arXiv 2410.01680), and the similarities within
the batch (CompRess, arXiv 2010.14713). The teacher sees 80 px; a feature store as
teacher (`teacher=/my/store`) costs the student alone.

python tools/train.py \
    configs/distill/distill_resnet10-w32_1xb128-coslr-2k_folder-40px.py \
    --teacher timm:tf_efficientnet_lite0=/my/lite0.pth \
    --cfg-options images=/my/folder max_iters=2000

Hardware: one CPU core.
"""

_base_ = ["../_base_/models/distill.py", "../_base_/recipes/distill_cpu_40px.py"]

model = dict(
    data_preprocessor=dict(view_size=40, augment=dict(blur=0.0)),
    backbone=dict(
        _delete_=True,
        type="SubnetResNet",
        subnet="s32-w32.64.128.256-d1.1.1.1",
        arch=dict(kind="resnet", block="basic"),
        out_indices=(3,),
        zero_init_residual=False,
    ),
    distill=dict(
        teacher=dict(view_size=80),
        head=dict(in_channels=256, num_layers=2, hid_channels=512),
    ),
)
