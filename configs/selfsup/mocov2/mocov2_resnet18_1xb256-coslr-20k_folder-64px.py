r"""MoCo v2, small: ResNet-18 at 64 px on a folder of images.

Chen et al., Improved Baselines with Momentum Contrastive Learning, 2020
(https://arxiv.org/abs/2003.04297).
Ours: everything but the method. A queue of 4,096 and a momentum of 0.99, as in the
authors' public CIFAR example, because a small pool and a short training turn a
longer memory stale; blur scaled from 224 to 64 px.

python tools/train.py \
    configs/selfsup/mocov2/mocov2_resnet18_1xb256-coslr-20k_folder-64px.py \
    --cfg-options images=/my/folder max_iters=20000

Hardware: one GPU, or a patient CPU; about 0.5 GiB a GPU (computed, not measured).
"""

_base_ = [
    "../../_base_/models/mocov2.py",
    "../../_base_/recipes/folder_64px.py",
]

model = dict(
    queue_len=4096,
    momentum=0.99,
    data_preprocessor=dict(view_size=64, augment=dict(blur_sigma=(0.1, 0.6))),
    backbone=dict(depth=18),
    neck=dict(in_channels=512, hid_channels=512),
)
