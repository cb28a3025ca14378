r"""Fine-tuning of any export on a public set, 224 px, 5,000 steps.

Ericsson et al., How Well Do Self-Supervised Models Transfer?, CVPR 2021
(https://arxiv.org/abs/2011.13377), whose protocol SDR's fine-tuning table follows:
5,000 steps of batch 64, SGD with Nesterov momentum, cosine schedule, random crop and
flip. They choose learning rate and weight decay for each set and network on the
validation images, among 0.0001 to 0.1 and 1e-6 to 1e-3 divided by the learning rate:
so does tools/benchmarks/classification/finetune_grid.py. The pair below is from the
middle of that grid.

`dataset` is one of aircraft, caltech101, cars, cifar10, cifar100, dtd, flowers102,
food101, pets, sun397, voc2007, imagenet and places205; where each lies below
`data_root`, its config in configs/_base_/datasets/transfer says.

python tools/train.py \
    configs/transfer/classification/finetune_resnet50_1xb64-coslr-5k_public-224px.py \
    --cfg-options backbone=EXPORT_DIR dataset=aircraft data_root=/data

Hardware: one GPU; about 2.9 GiB a GPU (computed, not measured). bfloat16 and
channels-last are not yet measured on a GPU.
"""

_base_ = [
    "../../_base_/datasets/transfer/cifar10.py",
    "../../_base_/gpu_iter_runtime.py",
]

max_iters = 5000

model = dict(data_preprocessor=dict(eval_crop=1.0))
optim_wrapper = dict(
    type="AutoPrecisionOptimWrapper",
    optimizer=dict(type="SGD", lr=0.01, momentum=0.9, nesterov=True, weight_decay=1e-3),
)
auto_scale_lr = dict(base_batch_size=64)
param_scheduler = [dict(type="CosineAnnealingLR", by_epoch=False)]
train_cfg = dict(type="SeekableIterLoop", max_iters=max_iters, val_interval=1000)
default_hooks = dict(logger=dict(log_metric_by_epoch=False))
