r"""Linear probe on ImageNet, MoCo's protocol.

He et al., Momentum Contrast for Unsupervised Visual Representation Learning, 2020
(https://arxiv.org/abs/1911.05722), section 4.1: batch 256, learning rate 30, no weight
decay, 100 epochs, a tenth of the rate after 60 and 80.

bash tools/dist_train.sh \
    configs/transfer/classification/linear-probe_resnet50_8xb32-steplr-100e_in1k.py 8 \
    --cfg-options backbone=EXPORT_DIR

Hardware: 8 GPUs; about 0.3 GiB a GPU (computed, not measured). bfloat16 and
channels-last are not yet measured on a GPU.
"""

_base_ = [
    "../../_base_/models/classifier.py",
    "../../_base_/datasets/labeled_imagenet.py",
    "../../_base_/gpu_runtime.py",
]

model = dict(backbone=dict(frozen_stages=4))
optim_wrapper = dict(
    type="AutoPrecisionOptimWrapper",
    optimizer=dict(type="SGD", lr=30.0, momentum=0.9, weight_decay=0.0),
)
auto_scale_lr = dict(base_batch_size=256)
param_scheduler = [dict(type="MultiStepLR", milestones=[60, 80], gamma=0.1)]
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=100, val_interval=10)
