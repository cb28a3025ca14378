r"""Distillation, debug: generated images and an untrained teacher; teaches nothing.

python tools/train.py \
    configs/distill/distill_resnet18-w8_1xb16-coslr-12i_debug-32px.py
"""

_base_ = ["../_base_/models/distill.py", "../_base_/recipes/debug_32px.py"]

teacher = "selfsup/mocov2/mocov2_resnet18-w8_1xb16-coslr-12i_debug-32px.py=random"

model = dict(
    data_preprocessor=dict(view_size=16),
    backbone=dict(depth=18, stem_channels=8, base_channels=8),
    distill=dict(
        teacher=dict(network=teacher, view_size=32),
        losses=[dict(type="CosineRegression"), dict(type="SimilarityMatching")],
        dense_losses=[dict(type="DenseAffinity")],
        head=dict(in_channels=64, num_layers=2),
    ),
)
