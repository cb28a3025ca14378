r"""BYOL continued from weights, debug: generated images, seconds on a CPU.

Without --weights it begins with drawn ones.

python tools/train.py \
    configs/selfsup/byol/byol_resnet18-w8_1xb16-coslr-12i_continue_debug-32px.py \
    --weights FILE
"""

_base_ = "./byol_resnet18-w8_1xb16-coslr-12i_debug-32px.py"

max_iters = 12
train_cfg = dict(max_iters=max_iters)
# New heads learn at the full rate, what was loaded at a fifth of it.
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type="AdamW", lr=1e-3, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys={"backbone": dict(lr_mult=0.2)}),
)
custom_hooks = [dict(type="StartNormHook", mode="frozen")]
