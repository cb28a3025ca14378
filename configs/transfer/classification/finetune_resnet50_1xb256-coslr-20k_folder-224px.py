r"""Fine-tuning of any export on a folder of labelled images, 224 px.

Chen et al., A Simple Framework for Contrastive Learning of Visual Representations, 2020
(https://arxiv.org/abs/2002.05709), appendix B.8: 20,000 steps of batch 256, Nesterov
momentum. They choose learning rate and weight decay on a grid for each data set; ours
are one pair from its middle, and the cosine schedule is ours.

python tools/train.py \
    configs/transfer/classification/finetune_resnet50_1xb256-coslr-20k_folder-224px.py \
    --cfg-options backbone=EXPORT_DIR target=/my/folder

Hardware: one GPU; about 10.9 GiB a GPU (computed, not measured). bfloat16 and
channels-last are not yet measured on a GPU.
"""

_base_ = [
    "../../_base_/models/classifier.py",
    "../../_base_/datasets/labeled_folder.py",
    "../../_base_/gpu_iter_runtime.py",
]

max_iters = 20000

train_dataloader = dict(batch_size=256, num_workers=8)
optim_wrapper = dict(
    type="AutoPrecisionOptimWrapper",
    optimizer=dict(type="SGD", lr=0.02, momentum=0.9, nesterov=True, weight_decay=1e-5),
)
auto_scale_lr = dict(base_batch_size=256)
param_scheduler = [dict(type="CosineAnnealingLR", by_epoch=False)]
train_cfg = dict(type="SeekableIterLoop", max_iters=max_iters, val_interval=2000)
