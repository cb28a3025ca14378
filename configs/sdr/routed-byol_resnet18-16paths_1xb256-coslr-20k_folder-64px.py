r"""SDR on BYOL, small: 16 paths in a ResNet-18 at 64 px on a folder of images.

Liu et al., SDR, AAAI 2022 (https://arxiv.org/abs/2205.13267); the paper has a BYOL
variant of its SimSiam. Ours: everything but the method, four groups in each of the last
two stages, paths that begin early (both as measured at 40 px, model_zoo.md), SGD
instead of LARS and a faster target, for a short training. The clusters are a tree of
4x4x1x1.

python tools/train.py \
    configs/sdr/routed-byol_resnet18-16paths_1xb256-coslr-20k_folder-64px.py \
    --cfg-options images=/my/folder clusters=/my/clusters max_iters=20000

Hardware: one GPU, or a patient CPU; about 0.7 GiB a GPU (computed, not measured).
"""

_base_ = [
    "../_base_/models/routed_byol.py",
    "../_base_/recipes/routed_folder_64px.py",
]

model = dict(
    subnet_sampler=dict(shares=(0.3, 0.2, 0.5)),
    data_preprocessor=dict(
        view_size=64,
        augment=[
            dict(blur_sigma=(0.1, 0.6), crop_scale=(0.2, 1.0)),
            dict(blur_sigma=(0.1, 0.6), crop_scale=(0.2, 1.0)),
        ],
    ),
    backbone=dict(depth=18, groups=(1, 1, 4, 4), zero_init_residual=False),
    neck=dict(in_channels=512, hid_channels=1024, out_channels=128),
    head=dict(predictor=dict(in_channels=128, hid_channels=1024, out_channels=128)),
)
