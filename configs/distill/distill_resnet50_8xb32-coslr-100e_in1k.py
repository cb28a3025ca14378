r"""Distillation, full: ResNet-50 at 224 px on ImageNet, 100 epochs. Not run.

Ours, but for the schedule of MoCo v2's public code: the cosine to the teacher's centred
feature of the same crop behind a two-layer head, and the similarities within the batch;
see distill_resnet10-w32_1xb128-coslr-2k_folder-40px.py for the sources. The teacher
sees its own resolution.

tools/dist_train.sh configs/distill/distill_resnet50_8xb32-coslr-100e_in1k.py 8 \
    --teacher timm:vit_base_patch14_dinov2.lvd142m=/my/dinov2.safetensors

Hardware: 8 GPUs; about 1.7 GiB a GPU (computed, not measured), for a teacher of
EfficientNet-Lite0's size. bfloat16 and channels-last are not yet measured on a GPU.
"""

_base_ = [
    "../_base_/models/distill.py",
    "../_base_/datasets/imagenet.py",
    "../_base_/schedules/sgd_coslr-200e.py",
    "../_base_/gpu_runtime.py",
]

model = dict(
    distill=dict(
        head=dict(num_layers=2),
    )
)
train_cfg = dict(max_epochs=100)
