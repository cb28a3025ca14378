r"""SDR continued from public weights, small: 16 paths in a ResNet-18 at 64 px.

Liu et al., SDR, AAAI 2022 (https://arxiv.org/abs/2205.13267).
A stock ResNet-18 is the whole network, MAX, bit for bit.
The start is a checkpoint of a plain ResNet, of any layout (see README). Ours: AdamW, a
lower rate for what was loaded, and a pull to it (`L2SPHook`, arXiv 1802.01483). Batch
norms are trained as ever: only one of the sub-nets is the start. Paths begin early,
and their losses count 0.3: of the recipes that were tried from a trained network
the one that folds of training images chose, and not shown to be better than the whole
network trained on (model_zoo.md). `mmtaskssl branch` is what does better.

python tools/train.py \
    configs/sdr/routed-simsiam_resnet18-16paths_1xb256-1k_continue_folder-64px.py \
    --weights timm:resnet18=FILE \
    --cfg-options images=/my/folder selection=/my/selection.txt clusters=/my/clusters

Hardware: one GPU, or a patient CPU; about 0.8 GiB a GPU (computed, not measured).
"""

_base_ = "./routed-simsiam_resnet18-16paths_1xb256-coslr-20k_folder-64px.py"

model = dict(
    subnet_sampler=dict(shares=(0.1, 0.3, 0.6)),
)
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
