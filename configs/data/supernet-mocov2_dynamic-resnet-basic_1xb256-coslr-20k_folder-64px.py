r"""DATA's MoCo v2 supernet, small: basic blocks at 64 px on a folder of images.

Chang et al., DATA, CVPR 2022 (https://arxiv.org/abs/2203.09041).
The paper's and its public code's: each step runs MAX, MIN and one random net, whose
gradients are summed; all queries meet keys that an average of MAX made.
Ours: keys, average and queue once a step, where the code does them once a sub-net
(`model.per_subnet_keys=True`); 5,832 networks of basic blocks around a half-wide
ResNet-18, from 11 to 66 MMACs at this size; queue and momentum as in the authors of
MoCo's CIFAR example; residual branches that do not start at zero and batch norm in the
projector, without which short trainings learn little; blur scaled from 224 to 64 px.

python tools/train.py \
    configs/data/supernet-mocov2_dynamic-resnet-basic_1xb256-coslr-20k_folder-64px.py \
    --cfg-options images=/my/folder max_iters=20000

Hardware: one GPU, or a patient CPU; about 0.2 GiB a GPU (computed, not measured).
"""

_base_ = [
    "../_base_/models/supernet_mocov2.py",
    "../_base_/recipes/folder_64px.py",
]

model = dict(
    queue_len=4096,
    momentum=0.99,
    data_preprocessor=dict(view_size=64, augment=dict(blur_sigma=(0.1, 0.6))),
    backbone=dict(space="data_basic", zero_init_residual=False),
    neck=dict(in_channels=320, hid_channels=512, norm="BN"),
)

default_hooks = dict(collapse=dict(type="CollapseMonitorHook", interval=500))
