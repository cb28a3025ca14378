r"""SimSiam, tiny: half-width ResNet-18 at 32 px on a folder of images.

Chen and He, Exploring Simple Siamese Representation Learning, CVPR 2021
(https://arxiv.org/abs/2011.10566).
The paper's (appendix D, CIFAR): no blur, a 3x3 stem, decay 5e-4. Ours: width, rate,
projections, residual branches that do not start at zero, which short trainings do not
get over, and stride 2 in all four stages, which costs a quarter of the usual CIFAR
network.

python tools/train.py \
    configs/selfsup/simsiam/simsiam_resnet18-w32-cifar_1xb128-coslr-20k_folder-32px.py \
    --cfg-options images=/my/folder max_iters=20000

Hardware: one or two CPU cores.
"""

_base_ = [
    "../../_base_/models/simsiam.py",
    "../../_base_/recipes/cpu_32px.py",
]

model = dict(
    data_preprocessor=dict(view_size=32, augment=dict(blur=0.0)),
    backbone=dict(
        _delete_=True,
        type="mmcls.ResNet_CIFAR",
        depth=18,
        stem_channels=32,
        base_channels=32,
        strides=(2, 2, 2, 2),
        out_indices=(3,),
        norm_cfg=dict(type="BN"),
        zero_init_residual=False,
    ),
    neck=dict(in_channels=256, hid_channels=512, out_channels=512),
    head=dict(predictor=dict(in_channels=512, hid_channels=128, out_channels=512)),
)

# The predictor's rate does not decay (section 4.1 of the paper).
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys={"predictor": dict(fix_lr=True)}),
)
default_hooks = dict(fixed_lr=dict(type="FixedLrHook"))
