r"""Semi-supervised fine-tuning on ImageNet, 10 % of the labels, SimCLR's protocol.

Chen et al., A Simple Framework for Contrastive Learning of Visual Representations, 2020
(https://arxiv.org/abs/2002.05709), appendix B.5: Nesterov momentum, a learning rate of
0.05 x batch / 256 without warm-up, no weight decay, crops and flips only, 30 epochs.
Ours: batch 256 instead of 4,096, and the cosine schedule.

The images are those of SimCLR's list, 10percent.txt from its public repository (file
names of the training images, one a line), at data/imagenet/10percent.txt. Without the
list `train_dataloader.dataset.keep=None train_dataloader.dataset.fraction=0.1`
draws as many of each class.

bash tools/dist_train.sh \
    configs/transfer/classification/semi-10pct_resnet50_4xb64-coslr-30e_in1k.py 4 \
    --cfg-options backbone=EXPORT_DIR

Hardware: 4 GPUs; about 3.0 GiB a GPU (computed, not measured). bfloat16 and
channels-last are not yet measured on a GPU.
"""

_base_ = [
    "../../_base_/models/classifier.py",
    "../../_base_/datasets/labeled_imagenet.py",
    "../../_base_/gpu_runtime.py",
]

train_dataloader = dict(batch_size=64, dataset=dict(keep="data/imagenet/10percent.txt"))
optim_wrapper = dict(
    type="AutoPrecisionOptimWrapper",
    optimizer=dict(type="SGD", lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.0),
)
auto_scale_lr = dict(base_batch_size=256)
param_scheduler = [dict(type="CosineAnnealingLR", convert_to_iter_based=True)]
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=30, val_interval=10)
