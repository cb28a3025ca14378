r"""Distillation, small: ResNet-18 at 64 px on a folder of images.

Ours, from what is known of distillation without labels: the cosine to the teacher's
centred feature of the same crop behind a linear head (AM-RADIO, arXiv 2312.06709;
PHI-S's centring, arXiv 2410.01680). The teacher sees the student's 64 px unless
`model.distill.teacher.view_size` says otherwise.

python tools/train.py \
    configs/distill/distill_resnet18_1xb256-coslr-20k_folder-64px.py \
    --teacher timm:vit_small_patch16_dinov3=/my/weights.pth \
    --cfg-options images=/my/folder max_iters=20000

Hardware: one GPU, or a patient CPU; about 0.4 GiB a GPU (computed, not measured), for
a teacher of EfficientNet-Lite0's size.
"""

_base_ = ["../_base_/models/distill.py", "../_base_/recipes/folder_64px.py"]

model = dict(
    data_preprocessor=dict(view_size=64, augment=dict(blur_sigma=(0.1, 0.6))),
    backbone=dict(depth=18),
    distill=dict(
        teacher=dict(view_size=64),
        losses=[dict(type="CosineRegression")],
        head=dict(in_channels=512),
    ),
)
