r"""DSPNet, full: ResNet-50 at four widths, 224 px on ImageNet, 100 epochs.

Wang et al., DSPNet, 2022 (https://arxiv.org/abs/2207.06075). Only the abstract is
known to us: no setting and no figure of the paper is claimed. The recipe is
BYOL's (NeurIPS 2020): batch 4,096, LARS with rate 0.45 x 4,096 / 256 = 7.2 after 10
epochs of warm-up, cosine decay, decay 1e-6 but for batch norm and biases, momentum
from 0.99 to 1, batch norm over all processes. What the widths do is our choice (see
mmtaskssl/models/algorithms/slimmable_base.py). Not measured here.

By MAC counts a step costs 12 % less than one of each of the four networks alone.

NNODES=2 NODE_RANK=... MASTER_ADDR=... tools/dist_train.sh \
    configs/dspnet/dspnet-byol_slimmable-resnet50_16xb256-coslr-100e_in1k.py 8

Controls, each width alone by the same recipe, are generated from this file by
tools/misc/individual_configs.py.

Hardware: 16 GPUs; about 21.9 GiB a GPU (computed, not measured). bfloat16 and
channels-last are not yet measured on a GPU. On fewer, accumulate:
`--cfg-options optim_wrapper.accumulative_counts=16 batch_size=32` on 8 GPUs.
"""

_base_ = [
    "../_base_/models/slimmable_byol.py",
    "../_base_/datasets/imagenet.py",
    "../_base_/schedules/lars_coslr-300e.py",
    "../_base_/gpu_runtime.py",
]

sync_bn = "torch"
train_dataloader = dict(batch_size=256)
optim_wrapper = dict(
    # Weights that no width of a step used rest.
    optimizer=dict(lr=7.2, move_inactive=False),
    # The batch norms of the elastic heads.
    paramwise_cfg=dict(custom_keys={"norms": dict(decay_mult=0, lars_exclude=True)}),
)
train_cfg = dict(max_epochs=100)
default_hooks = dict(collapse=dict(type="CollapseMonitorHook", interval=1000))
