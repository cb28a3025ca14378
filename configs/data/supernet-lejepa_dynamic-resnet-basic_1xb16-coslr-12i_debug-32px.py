r"""LeJEPA supernet, debug: generated images, seconds on a CPU; teaches nothing.

python tools/train.py \
    configs/data/supernet-lejepa_dynamic-resnet-basic_1xb16-coslr-12i_debug-32px.py
"""

_base_ = [
    "../_base_/models/supernet_lejepa.py",
    "../_base_/recipes/debug_32px.py",
]

model = dict(
    data_preprocessor=dict(view_size=32, local_views=2),
    backbone=dict(space="data_basic"),
    neck=dict(in_channels=320, hid_channels=64, out_channels=32),
)
