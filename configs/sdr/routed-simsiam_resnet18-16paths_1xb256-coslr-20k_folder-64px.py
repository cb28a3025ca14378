r"""SDR on SimSiam, small: 16 paths in a ResNet-18 at 64 px on a folder of images.

Liu et al., SDR, AAAI 2022 (https://arxiv.org/abs/2205.13267).
The recipe is the full configs'. Ours, as in our small SimSiam: narrower projections,
blur scaled from 224 to 64 px, and residual branches that do not start at zero, which
short trainings do not get over; and four groups in each of the last two stages instead
of in all four, and paths that begin early, both as measured at 40 px (model_zoo.md).
The clusters are a tree of 4x4x1x1.

python tools/train.py \
    configs/sdr/routed-simsiam_resnet18-16paths_1xb256-coslr-20k_folder-64px.py \
    --cfg-options images=/my/folder clusters=/my/clusters max_iters=20000

Hardware: one GPU, or a patient CPU; about 0.7 GiB a GPU (computed, not measured).
"""

_base_ = [
    "../_base_/models/routed_simsiam.py",
    "../_base_/recipes/routed_folder_64px.py",
]

model = dict(
    subnet_sampler=dict(shares=(0.3, 0.2, 0.5)),
    data_preprocessor=dict(view_size=64, augment=dict(blur_sigma=(0.1, 0.6))),
    backbone=dict(depth=18, groups=(1, 1, 4, 4), zero_init_residual=False),
    neck=dict(in_channels=512, hid_channels=1024, out_channels=1024),
    head=dict(predictor=dict(in_channels=1024, hid_channels=256, out_channels=1024)),
)

# The predictor's rate does not decay (section 4.1 of the paper of SimSiam).
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={"predictor": dict(fix_lr=True)}))
default_hooks = dict(fixed_lr=dict(type="FixedLrHook"))
