r"""LeJEPA, debug: generated images, a few seconds on a CPU; teaches nothing.

python tools/train.py \
    configs/selfsup/lejepa/lejepa_resnet18-w8_1xb16-coslr-12i_debug-32px.py
"""

_base_ = [
    "../../_base_/models/lejepa.py",
    "../../_base_/recipes/debug_32px.py",
]

model = dict(
    data_preprocessor=dict(view_size=32, local_views=2),
    backbone=dict(depth=18, stem_channels=8, base_channels=8),
    neck=dict(in_channels=64, hid_channels=64, out_channels=32),
)
