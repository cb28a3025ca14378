r"""SDR on SimSiam, full, compact: 256 paths in a plain ResNet-50 on ImageNet.

Liu et al., SDR, AAAI 2022 (https://arxiv.org/abs/2205.13267).
The paper's, as far as we know: SimSiam as the base, 256 sub-nets that share part of
each block, training on all images first and ever more sub-nets after, distillation
from the whole net. SimSiam's (https://arxiv.org/abs/2011.10566): batch 256, SGD with
rate 0.05 and cosine decay, but a constant rate for the predictor, decay 1e-4, batch
norm over all processes, projector of 2048 and predictor of 512, 100 epochs, which are
500,400 iterations of 256 images. Ours: half of a block's inner channels are shared, an
eighth belongs to each of four groups, so that MAX is ResNet-50 (23.5 M parameters, 4.09
GMACs) and a path has 13.1 M and 2.30; the shares of the phases; the weights of the
loss, a path's being a third of MAX's, as chosen at 40 px (model_zoo.md); batches of a
path as large as MAX's. No figure of the paper is quoted, none was measured here. All
paths together cost about 1.5 times plain SimSiam.

python tools/cluster_data.py --pool STORE --tree 4x4x4x4 --out data/clusters
tools/dist_train.sh \
    configs/sdr/routed-simsiam_resnet50-256paths_8xb32-coslr-500k_in1k.py 8

Hardware: 8 GPUs; about 3.2 GiB a GPU (computed, not measured). bfloat16 and
channels-last are not yet measured on a GPU. On fewer, `--auto-scale-lr` or
`train_dataloader.batch_size`.
"""

_base_ = [
    "../_base_/models/routed_simsiam.py",
    "../_base_/datasets/clustered_folder.py",
    "../_base_/schedules/sgd_coslr-20k.py",
    "../_base_/gpu_iter_runtime.py",
]

images = "data/imagenet/train"
max_iters = 500400
sync_bn = "torch"

train_dataloader = dict(
    batch_size=32,
    num_workers=8,
    dataset=dict(dataset=dict(source=images, store_size=512)),
)
# The predictor's rate does not decay (section 4.1 of the paper of SimSiam).
optim_wrapper = dict(
    type="AutoPrecisionOptimWrapper",
    optimizer=dict(lr=0.05, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys={"predictor": dict(fix_lr=True)}),
)
param_scheduler = [dict(type="CosineAnnealingLR", by_epoch=False)]
train_cfg = dict(max_iters=max_iters)
auto_scale_lr = dict(base_batch_size=256)
default_hooks = dict(
    fixed_lr=dict(type="FixedLrHook"),
    monitor=dict(type="CollapseMonitorHook", interval=5000, subnets="paths"),
    checkpoint=dict(interval=50040),
)
