r"""DSPNet, full: ResNet-18 at four widths, 224 px on ImageNet, 300 epochs.

Wang et al., DSPNet, 2022 (https://arxiv.org/abs/2207.06075).
All but length and rate is dspnet-byol_slimmable-resnet18_16xb256-coslr-100e_in1k's.

NNODES=2 NODE_RANK=... MASTER_ADDR=... tools/dist_train.sh \
    configs/dspnet/dspnet-byol_slimmable-resnet18_16xb256-coslr-300e_in1k.py 8

Hardware: 16 GPUs; about 6.3 GiB a GPU (computed, not measured). bfloat16 and
channels-last are not yet measured on a GPU.

Controls, each width alone by the same recipe, are generated from this file by
tools/misc/individual_configs.py.
"""

_base_ = "./dspnet-byol_slimmable-resnet18_16xb256-coslr-100e_in1k.py"

# BYOL's for 300 epochs, 0.3 x 4,096 / 256; for 100 it is 0.45 x 4,096 / 256.
optim_wrapper = dict(optimizer=dict(lr=4.8))
train_cfg = dict(max_epochs=300)
