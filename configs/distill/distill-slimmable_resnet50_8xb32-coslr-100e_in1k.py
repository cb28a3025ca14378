r"""Distillation into four widths at once, full: ResNet-50 on ImageNet. Not run.

The losses and the schedule are distill_resnet50_8xb32-coslr-100e_in1k.py's; batch norms
are each width's own.

tools/dist_train.sh \
    configs/distill/distill-slimmable_resnet50_8xb32-coslr-100e_in1k.py \
    8 --teacher timm:vit_base_patch14_dinov2.lvd142m=/my/dinov2.safetensors

Hardware: 8 GPUs; about 1.8 GiB a GPU (computed, not measured), for a teacher of
EfficientNet-Lite0's size. bfloat16 and channels-last are not yet measured on a GPU.
"""

_base_ = [
    "../_base_/models/elastic_distill.py",
    "../_base_/datasets/imagenet.py",
    "../_base_/schedules/sgd_coslr-200e.py",
    "../_base_/gpu_runtime.py",
]

model = dict(
    subnet_sampler=dict(_delete_=True, type="AllSubnets"),
    backbone=dict(type="SlimmableResNet", depth=50, widths=(1.0, 0.75, 0.5, 0.25)),
    distill=dict(
        head=dict(num_layers=2, norm="SwitchableBN", num_switches=4),
    ),
)
train_cfg = dict(max_epochs=100)
