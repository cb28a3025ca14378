r"""DATA's MoCo v2 supernet, debug: generated images, seconds on a CPU; teaches nothing.

python tools/train.py \
    configs/data/supernet-mocov2_dynamic-resnet-basic_1xb16-coslr-12i_debug-32px.py
"""

_base_ = [
    "../_base_/models/supernet_mocov2.py",
    "../_base_/recipes/debug_32px.py",
]

model = dict(
    queue_len=64,
    feat_dim=32,
    data_preprocessor=dict(view_size=32),
    backbone=dict(space="data_basic"),
    # Without batch norm in the neck so short a training leaves all embeddings alike.
    neck=dict(in_channels=320, hid_channels=64, out_channels=32, norm="BN"),
)

default_hooks = dict(collapse=dict(type="CollapseMonitorHook", interval=2))
