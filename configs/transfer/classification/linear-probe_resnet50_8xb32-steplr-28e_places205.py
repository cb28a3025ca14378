r"""Linear probe on Places205.

28 epochs, a tenth of the learning rate after 7, 14 and 21: the schedule of Goyal et
al., Scaling and Benchmarking Self-Supervised Visual Representation Learning, 2019
(https://arxiv.org/abs/1905.01235). The classifier sees the pooled features, as on
ImageNet, and so has the rate 30 and no weight decay of MoCo's ImageNet probe (ours).

bash tools/dist_train.sh \
    transfer/classification/linear-probe_resnet50_8xb32-steplr-28e_places205.py 8 \
    --cfg-options backbone=EXPORT_DIR data_root=/data

Hardware: 8 GPUs; about 0.3 GiB a GPU (computed, not measured). bfloat16 and
channels-last are not yet measured on a GPU.
"""

_base_ = [
    "../../_base_/datasets/transfer/places205.py",
    "../../_base_/gpu_runtime.py",
]

model = dict(backbone=dict(frozen_stages=4))
train_dataloader = dict(batch_size=32, sampler=dict(type="DefaultSampler"))
optim_wrapper = dict(
    type="AutoPrecisionOptimWrapper",
    optimizer=dict(type="SGD", lr=30.0, momentum=0.9, weight_decay=0.0),
)
auto_scale_lr = dict(base_batch_size=256)
param_scheduler = [dict(type="MultiStepLR", milestones=[7, 14, 21], gamma=0.1)]
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=28, val_interval=7)
