r"""MoCo v2 continued from public weights, small: EfficientNet-Lite0 at 64 px.

MoCo v2: https://arxiv.org/abs/2003.04297. 200 steps of 64 images.
The start is any checkpoint of this network, of any layout (see README). Ours: AdamW, a
lower rate for what was loaded, batch norms that keep the start's statistics
(`StartNormHook`; other modes: reestimated, adapted, train), and a pull of the weights
to the start (`L2SPHook`, arXiv 1802.01483). `model.backbone.frozen_stages=1` freezes
the first stages. Afterwards `tools/line_search.py` looks between start and end.

python tools/train.py \
    configs/selfsup/mocov2/mocov2_timm-lite0_1xb64-coslr-200i_continue_folder-64px.py \
    --weights timm:tf_efficientnet_lite0=FILE \
    --cfg-options images=/my/folder selection=/my/selection.txt

Hardware: one GPU, or a patient CPU; about 0.3 GiB a GPU (computed, not measured).
"""

_base_ = "./mocov2_timm-lite0_1xb256-coslr-20k_folder-64px.py"

max_iters = 200
train_cfg = dict(max_iters=max_iters)
# New heads learn at the full rate, what was loaded at a fifth of it.
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type="AdamW", lr=1e-3, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys={"backbone": dict(lr_mult=0.2)}),
)
custom_hooks = [
    dict(type="ChannelsLastHook"),
    dict(type="StartNormHook", mode="frozen"),
    dict(type="L2SPHook", strength=0.1),
]
train_dataloader = dict(batch_size=64, dataset=dict(store_size=96))
auto_scale_lr = dict(base_batch_size=64)
model = dict(queue_len=1024)
