r"""SimSiam supernet, debug: generated images, seconds on a CPU; teaches nothing.

python tools/train.py \
    configs/data/supernet-simsiam_dynamic-resnet-basic_1xb16-coslr-12i_debug-32px.py
"""

_base_ = [
    "../_base_/models/supernet_simsiam.py",
    "../_base_/recipes/debug_32px.py",
]

model = dict(
    data_preprocessor=dict(view_size=32),
    backbone=dict(space="data_basic"),
    neck=dict(in_channels=320, hid_channels=64, out_channels=64),
    head=dict(predictor=dict(in_channels=64, hid_channels=16, out_channels=64)),
)

# The predictor's rate does not decay (section 4.1 of the paper).
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={"predictor": dict(fix_lr=True)}))
default_hooks = dict(fixed_lr=dict(type="FixedLrHook"))
