r"""DSPNet, full: MobileNetV3-Large at four widths, 224 px on ImageNet, 100 epochs.

Wang et al., DSPNet, 2022 (https://arxiv.org/abs/2207.06075).
All but the optimizer is that of
dspnet-byol_slimmable-mobilenet-v3-large_16xb256-coslr-100e_in1k:
batch 256 with SGD, rate 0.05 and decay 1e-4, as in US3L's public code for BYOL.

tools/dist_train.sh \
    configs/dspnet/dspnet-byol_slimmable-mobilenet-v3-large_8xb32-coslr-100e_in1k.py 8

Hardware: 8 GPUs; about 1.6 GiB a GPU (computed, not measured). bfloat16 and
channels-last are not yet measured on a GPU.

Controls, each width alone by the same recipe, are generated from this file by
tools/misc/individual_configs.py.
"""

_base_ = "./dspnet-byol_slimmable-mobilenet-v3-large_16xb256-coslr-100e_in1k.py"

train_dataloader = dict(batch_size=32)
optim_wrapper = dict(
    _delete_=True,
    type="AutoPrecisionOptimWrapper",
    optimizer=dict(type="SafeSGD", lr=0.05, momentum=0.9, weight_decay=1e-4),
)
auto_scale_lr = dict(base_batch_size=256)
