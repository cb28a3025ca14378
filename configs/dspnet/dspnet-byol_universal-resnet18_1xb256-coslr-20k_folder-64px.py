r"""DSPNet, small: ResNet-18 at any of sixteen widths, 64 px, on a folder of images.

Wang et al., DSPNet, 2022 (https://arxiv.org/abs/2207.06075); arbitrary widths as in
US-Nets (https://arxiv.org/abs/1903.05134) and, with the four phases of its sampler and
the regularisation by groups, US3L (CVPR 2023).
Ours: the rest, which is dspnet-byol_slimmable-resnet18_1xb256-coslr-20k_folder-64px's.
Widths are multiples of 8 channels and share their batch norms, so each needs statistics
of its own before it is evaluated or exported: tools/calibrate_bn.py.

python tools/train.py \
    configs/dspnet/dspnet-byol_universal-resnet18_1xb256-coslr-20k_folder-64px.py \
    --cfg-options images=/my/folder max_iters=20000

Hardware: one GPU, or a patient CPU; about 0.7 GiB a GPU (computed, not measured).
"""

_base_ = "./dspnet-byol_slimmable-resnet18_1xb256-coslr-20k_folder-64px.py"

model = dict(
    preset="dsp_plus",
    subnet_sampler=dict(type="Dynamic"),
    # Half of the weight decay, which it stands in for.
    group_regularisation=dict(strength=2.5e-4),
    backbone=dict(widths=[0.25 + 0.05 * step for step in range(16)], divisor=8),
    neck=dict(norm="BN", num_switches=1),
    aux_predictor=dict(norm="BN"),
)
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys={"backbone": dict(decay_mult=0)}),
)
