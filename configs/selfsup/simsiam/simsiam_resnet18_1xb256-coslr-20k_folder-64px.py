r"""SimSiam, small: ResNet-18 at 64 px on a folder of images.

Chen and He, Exploring Simple Siamese Representation Learning, CVPR 2021
(https://arxiv.org/abs/2011.10566).
Ours: everything but the method and the predictor's constant rate: narrower
projections, blur scaled from 224 to 64 px, and residual branches that do not start at
zero, which short trainings do not get over.

python tools/train.py \
    configs/selfsup/simsiam/simsiam_resnet18_1xb256-coslr-20k_folder-64px.py \
    --cfg-options images=/my/folder max_iters=20000

Hardware: one GPU, or a patient CPU; about 0.6 GiB a GPU (computed, not measured).
"""

_base_ = [
    "../../_base_/models/simsiam.py",
    "../../_base_/recipes/folder_64px.py",
]

model = dict(
    data_preprocessor=dict(view_size=64, augment=dict(blur_sigma=(0.1, 0.6))),
    backbone=dict(depth=18, zero_init_residual=False),
    neck=dict(in_channels=512, hid_channels=1024, out_channels=1024),
    head=dict(predictor=dict(in_channels=1024, hid_channels=256, out_channels=1024)),
)

# The predictor's rate does not decay (section 4.1 of the paper).
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={"predictor": dict(fix_lr=True)}))
default_hooks = dict(fixed_lr=dict(type="FixedLrHook"))
