r"""SimSiam, small: half-width ResNet-18 at 64 px on a folder of images.

Chen and He, Exploring Simple Siamese Representation Learning, CVPR 2021
(https://arxiv.org/abs/2011.10566).
All but the widths is simsiam_resnet18_1xb256-coslr-20k_folder-64px's.

python tools/train.py \
    configs/selfsup/simsiam/simsiam_resnet18-w32_1xb256-coslr-20k_folder-64px.py \
    --cfg-options images=/my/folder max_iters=20000

Hardware: one GPU, or a patient CPU; about 0.3 GiB a GPU (computed, not measured).
"""

_base_ = "./simsiam_resnet18_1xb256-coslr-20k_folder-64px.py"

model = dict(
    backbone=dict(stem_channels=32, base_channels=32),
    neck=dict(in_channels=256, hid_channels=512, out_channels=512),
    head=dict(predictor=dict(in_channels=512, hid_channels=128, out_channels=512)),
)
