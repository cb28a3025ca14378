r"""Distillation into MAX and its paths, debug: generated images; teaches nothing.

python tools/train.py \
    configs/distill/distill-routed_resnet10-w8-4paths_1xb16-coslr-12i_debug-32px.py
"""

_base_ = [
    "../_base_/models/elastic_distill.py",
    "../_base_/recipes/routed_debug_32px.py",
]

teacher = "selfsup/mocov2/mocov2_resnet18-w8_1xb16-coslr-12i_debug-32px.py=random"

model = dict(
    type="RoutedDistill",
    data_preprocessor=dict(view_size=16),
    subnet_sampler=dict(
        _delete_=True, type="Progressive", num_paths=1, shares=(0.5, 0.2, 0.3)
    ),
    backbone=dict(type="RoutedResNet", depth=10, base_width=8, groups=(1, 1, 2, 2)),
    distill=dict(teacher=dict(network=teacher, view_size=32)),
)
