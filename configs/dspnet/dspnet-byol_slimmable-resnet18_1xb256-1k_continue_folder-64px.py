r"""DSPNet continued from public weights, small: ResNet-18 at four widths, 64 px.

Wang et al., DSPNet, 2022 (https://arxiv.org/abs/2207.06075).
A stock ResNet-18 is the full width, bit for bit; narrower widths begin with its first
channels.
The start is a checkpoint of a plain ResNet, of any layout (see README). Ours: AdamW, a
lower rate for what was loaded, and a pull to it (`L2SPHook`, arXiv 1802.01483). Batch
norms are trained as ever: only one of the sub-nets is the start.

python tools/train.py \
    configs/dspnet/dspnet-byol_slimmable-resnet18_1xb256-1k_continue_folder-64px.py \
    --weights timm:resnet18=FILE \
    --cfg-options images=/my/folder selection=/my/selection.txt

Hardware: one GPU, or a patient CPU; about 0.7 GiB a GPU (computed, not measured).
"""

_base_ = "./dspnet-byol_slimmable-resnet18_1xb256-coslr-20k_folder-64px.py"

max_iters = 1000
train_cfg = dict(max_iters=max_iters)
# New heads learn at the full rate, what was loaded at a fifth of it.
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type="AdamW", lr=1e-3, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys={"backbone": dict(lr_mult=0.2)}),
)
custom_hooks = [
    dict(type="ChannelsLastHook"),
    dict(type="L2SPHook", strength=0.1),
]
