r"""SDR on LeJEPA, debug: 4 paths, generated images whose labels are the clusters.

A few seconds on a CPU; teaches nothing.

python tools/train.py \
    configs/sdr/routed-lejepa_resnet10-w8-4paths_1xb16-coslr-12i_debug-32px.py
"""

_base_ = [
    "../_base_/models/routed_lejepa.py",
    "../_base_/recipes/routed_debug_32px.py",
]

model = dict(
    data_preprocessor=dict(view_size=32),
    backbone=dict(depth=10, base_width=8, groups=(1, 1, 2, 2)),
    subnet_sampler=dict(shares=(0.5, 0.2, 0.3)),
    neck=dict(in_channels=64, hid_channels=64, out_channels=32),
)
