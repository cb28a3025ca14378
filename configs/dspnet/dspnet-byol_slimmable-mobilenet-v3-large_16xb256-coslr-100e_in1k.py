r"""DSPNet, full: MobileNetV3-Large at four widths, 224 px on ImageNet, 100 epochs.

Wang et al., DSPNet, 2022 (https://arxiv.org/abs/2207.06075).
All but the network is dspnet-byol_slimmable-resnet50_16xb256-coslr-100e_in1k's.

NNODES=2 NODE_RANK=... MASTER_ADDR=... tools/dist_train.sh \
    configs/dspnet/dspnet-byol_slimmable-mobilenet-v3-large_16xb256-coslr-100e_in1k.py 8

Hardware: 16 GPUs; about 11.1 GiB a GPU (computed, not measured). bfloat16 and
channels-last are not yet measured on a GPU.

Controls, each width alone by the same recipe, are generated from this file by
tools/misc/individual_configs.py.
"""

_base_ = "./dspnet-byol_slimmable-resnet50_16xb256-coslr-100e_in1k.py"

model = dict(
    backbone=dict(
        _delete_=True,
        type="SlimmableMobileNetV3",
        widths=(1.0, 0.75, 0.5, 0.35),
        out_indices=(6,),
    ),
    neck=dict(in_channels=960),
)
optim_wrapper = dict(
    paramwise_cfg=dict(
        # The batch norms of torchvision's MobileNetV3 are those of an nn.Sequential.
        custom_keys={
            key: dict(decay_mult=0, lars_exclude=True)
            for key in (
                "features.0.1.",
                "features.16.1.",
                *(f".block.{place}.1." for place in range(4)),
            )
        }
    )
)
