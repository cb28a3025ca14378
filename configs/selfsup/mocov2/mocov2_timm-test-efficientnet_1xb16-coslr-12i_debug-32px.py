r"""MoCo v2 of a network of timm, debug: generated images, seconds on a CPU.

python tools/train.py \
    configs/selfsup/mocov2/mocov2_timm-test-efficientnet_1xb16-coslr-12i_debug-32px.py
"""

_base_ = "./mocov2_resnet18-w8_1xb16-coslr-12i_debug-32px.py"

model = dict(
    backbone=dict(_delete_=True, type="TimmBackbone", name="test_efficientnet"),
    neck=dict(in_channels=256),
)
