r"""BYOL continued from public weights, small: ResNet-18 at 64 px.

BYOL: https://arxiv.org/abs/2006.07733.
The start is any checkpoint of this network, of any layout (see README). Ours: AdamW, a
lower rate for what was loaded, batch norms that keep the start's statistics
(`StartNormHook`; other modes: reestimated, adapted, train), and a pull of the weights
to the start (`L2SPHook`, arXiv 1802.01483). `model.backbone.frozen_stages=1` freezes
the first stages. Afterwards `tools/line_search.py` looks between start and end.

python tools/train.py \
    configs/selfsup/byol/byol_resnet18_1xb256-coslr-400i_continue_folder-64px.py \
    --weights timm:resnet18=FILE \
    --cfg-options images=/my/folder selection=/my/selection.txt

Hardware: one GPU, or a patient CPU; about 0.8 GiB a GPU (computed, not measured).
"""

_base_ = "./byol_resnet18_1xb256-coslr-20k_folder-64px.py"

max_iters = 400
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
