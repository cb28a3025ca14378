r"""Distillation into a supernet: 5,832 networks at 40 px on one CPU core.

The space is supernet-mocov2_dynamic-resnet-basic_1xb128-coslr-2k_folder-40px's, the
losses are distill_resnet10-w32_1xb128-coslr-2k_folder-40px's. A step trains MAX, MIN
and a random net; all imitate the one answer of the teacher.

python tools/train.py \
    configs/distill/distill-supernet_resnet-basic_1xb128-coslr-2k_folder-40px.py \
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
    backbone=dict(space="data_basic", zero_init_residual=False),
    distill=dict(teacher=dict(view_size=80), head=dict(num_layers=2, hid_channels=512)),
)
