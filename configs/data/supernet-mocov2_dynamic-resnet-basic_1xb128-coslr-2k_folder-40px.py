r"""DATA's MoCo v2 supernet for thousands of steps on one CPU core: basic blocks, 40 px.

Chang et al., DATA, CVPR 2022 (https://arxiv.org/abs/2203.09041).
The paper's and its public code's: each step runs MAX, MIN and one random net, whose
gradients are summed; all queries meet keys that an average of MAX made.
Ours: keys, average and queue once a step, where the code does them once a sub-net
(`model.per_subnet_keys=True`); 5,832 networks of basic blocks from 6 to 37 MMACs at
this size; a queue of at most 1,024 keys, a quarter of a smaller pool, and a
momentum of 0.99; no blur at 40 px; the number format and memory layout that the machine
is fast in. What decides whether so short a training learns anything: residual branches
that do not start at zero, and batch norm in the projector. MAX runs in every step, so
no weight is ever without a gradient and the stock SGD is the right one.

python tools/train.py \
    configs/data/supernet-mocov2_dynamic-resnet-basic_1xb128-coslr-2k_folder-40px.py \
    --cfg-options images=/my/folder max_iters=2000

Hardware: one CPU core.
"""

_base_ = [
    "../_base_/models/supernet_mocov2.py",
    "../_base_/recipes/cpu_40px.py",
]

model = dict(
    queue_len=1024,
    momentum=0.99,
    data_preprocessor=dict(view_size=40, augment=dict(blur=0.0)),
    backbone=dict(space="data_basic", zero_init_residual=False),
    neck=dict(in_channels=320, hid_channels=512, norm="BN"),
)

default_hooks = dict(collapse=dict(type="CollapseMonitorHook", interval=200))
