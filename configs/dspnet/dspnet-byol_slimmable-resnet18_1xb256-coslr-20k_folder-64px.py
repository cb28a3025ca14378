r"""DSPNet, small: ResNet-18 at four widths, 64 px, on a folder of images.

Wang et al., DSPNet, 2022 (https://arxiv.org/abs/2207.06075).
Ours: everything but the idea: SGD instead of LARS, whose layer-wise scaling is for
batches of thousands; narrower projections; crops of a fifth of the image or more and
blur scaled from 224 to 64 px.

python tools/train.py \
    configs/dspnet/dspnet-byol_slimmable-resnet18_1xb256-coslr-20k_folder-64px.py \
    --cfg-options images=/my/folder max_iters=20000

Its controls: tools/misc/individual_configs.py.
Hardware: one GPU, or a patient CPU; about 0.7 GiB a GPU (computed, not measured).
"""

_base_ = [
    "../_base_/models/slimmable_byol.py",
    "../_base_/recipes/folder_64px.py",
]

model = dict(
    data_preprocessor=dict(
        view_size=64, augment=dict(crop_scale=(0.2, 1.0), blur_sigma=(0.1, 0.6))
    ),
    backbone=dict(depth=18, zero_init_residual=False),
    neck=dict(in_channels=512, hid_channels=1024, out_channels=128),
    head=dict(predictor=dict(in_channels=128, hid_channels=1024, out_channels=128)),
)
default_hooks = dict(collapse=dict(type="CollapseMonitorHook", interval=500))
