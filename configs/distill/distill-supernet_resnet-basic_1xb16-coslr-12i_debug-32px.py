r"""Distillation into a supernet, debug: generated images; teaches nothing.

python tools/train.py \
    configs/distill/distill-supernet_resnet-basic_1xb16-coslr-12i_debug-32px.py
"""

_base_ = ["../_base_/models/elastic_distill.py", "../_base_/recipes/debug_32px.py"]

teacher = "selfsup/mocov2/mocov2_resnet18-w8_1xb16-coslr-12i_debug-32px.py=random"

model = dict(
    data_preprocessor=dict(view_size=16),
    backbone=dict(space="data_basic"),
    distill=dict(
        teacher=dict(network=teacher, view_size=32),
        dense_losses=[dict(type="DenseAffinity")],
    ),
)
