r"""DSPNet on MoCo v2, small: ResNet-18 at four widths, 64 px, on a folder of images.

Wang et al., DSPNet, 2022 (https://arxiv.org/abs/2207.06075), on another base than the
paper's; SlimCLR (IJCV 2024) is its closest relative.
Ours: everything but the idea; a queue of 4,096 keys, batch norm in the projector.

python tools/train.py \
    configs/dspnet/dspnet-mocov2_slimmable-resnet18_1xb256-coslr-20k_folder-64px.py \
    --cfg-options images=/my/folder max_iters=20000

Hardware: one GPU, or a patient CPU; about 0.4 GiB a GPU (computed, not measured).
"""

_base_ = [
    "../_base_/models/slimmable_resnet.py",
    "../_base_/recipes/folder_64px.py",
]

model = dict(
    type="SlimmableMoCo",
    preset="dsp_plus",
    loss_weights="slimclr",
    queue_len=4096,
    feat_dim=128,
    momentum=0.99,
    data_preprocessor=dict(
        type="TwoViewPreprocessor",
        preset="mocov2",
        view_size=64,
        augment=dict(blur_sigma=(0.1, 0.6)),
    ),
    backbone=dict(depth=18, zero_init_residual=False),
    neck=dict(in_channels=512, hid_channels=1024, out_channels=128),
    head=dict(
        type="mmselfsup.ContrastiveHead",
        loss=dict(type="mmcls.CrossEntropyLoss"),
        temperature=0.2,
    ),
)
default_hooks = dict(collapse=dict(type="CollapseMonitorHook", interval=500))
