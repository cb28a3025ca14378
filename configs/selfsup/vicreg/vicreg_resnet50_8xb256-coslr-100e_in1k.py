"""VICReg, full: ResNet-50 at 224 px on ImageNet, 100 epochs. Not run.

Bardes et al., VICReg, ICLR 2022 (https://arxiv.org/abs/2105.04906), appendix: batch
2048, LARS with rate 0.2 for a batch of 256 and cosine decay, weight decay 1e-6, BYOL's
views, an expander of three layers of 8192. Ours: 100 epochs (the paper has 1,000 in its
tables, and 100 in its ablations).

tools/dist_train.sh configs/selfsup/vicreg/vicreg_resnet50_8xb256-coslr-100e_in1k.py 8

Hardware: 8 GPUs; about 25.5 GiB a GPU (computed, not measured). bfloat16 and
channels-last are not yet measured on a GPU. On fewer, `--auto-scale-lr` or
`train_dataloader.batch_size`.
"""

_base_ = [
    "../../_base_/models/vicreg.py",
    "../../_base_/datasets/imagenet.py",
    "../../_base_/schedules/lars_coslr-300e.py",
    "../../_base_/gpu_runtime.py",
]

sync_bn = "torch"

train_dataloader = dict(batch_size=256)
optim_wrapper = dict(optimizer=dict(lr=1.6, weight_decay=1e-6))
auto_scale_lr = dict(base_batch_size=2048)
train_cfg = dict(max_epochs=100)
