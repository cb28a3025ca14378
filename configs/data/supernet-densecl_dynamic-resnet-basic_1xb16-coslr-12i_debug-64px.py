r"""DenseCL supernet, debug: generated images, seconds on a CPU; teaches nothing.

python tools/train.py \
    configs/data/supernet-densecl_dynamic-resnet-basic_1xb16-coslr-12i_debug-64px.py
"""

_base_ = [
    "../_base_/models/supernet_densecl.py",
    "../_base_/recipes/debug_32px.py",
]

model = dict(
    queue_len=64,
    feat_dim=32,
    data_preprocessor=dict(view_size=64),  # a map of 2 x 2 positions
    backbone=dict(space="data_basic"),
    neck=dict(in_channels=320, hid_channels=64, out_channels=32),
)
