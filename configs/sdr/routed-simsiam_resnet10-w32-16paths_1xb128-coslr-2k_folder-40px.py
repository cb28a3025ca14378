r"""SDR on SimSiam in an hour or so on one CPU core: 16 paths, 10-layer ResNet, 40 px.

Liu et al., SDR, AAAI 2022 (https://arxiv.org/abs/2205.13267).
The recipe is the full configs'; ours is the size: one half-wide basic block a stage,
no blur at 40 px, residual branches that do not start at zero, and the number format
and memory layout that the machine is fast in. And, measured (model_zoo.md), what so few
steps ask for: four groups in each of the last two stages instead of two in all four,
and paths that begin while the learning rate is still high.

python tools/cluster_data.py --pool STORE --tree 4x4x1x1 --out /my/clusters
python tools/train.py \
    configs/sdr/routed-simsiam_resnet10-w32-16paths_1xb128-coslr-2k_folder-40px.py \
    --cfg-options images=/my/folder clusters=/my/clusters max_iters=2000

The arms, each by more options:
no progress     model.subnet_sampler.shares=[0,0,1]
no distillation model.kd_weight=0
random clusters clusters=/my/random/clusters  (made with --random)
quiet paths     model.subnet_loss_weights.others=0.3  (from a trained network)
MAX alone       model.subnet_sampler.shares=[1,0,0]; for the cost of the paths
                max_iters=3540

Hardware: one CPU core.
"""

_base_ = ["../_base_/models/routed_simsiam.py", "../_base_/recipes/cpu_40px.py"]

images = "data/images"
clusters = "data/clusters"

model = dict(
    subnet_sampler=dict(shares=(0.3, 0.2, 0.5)),
    subnet_loss_weights=dict(MAX=1.0, others=1.0),
    data_preprocessor=dict(view_size=40, augment=dict(blur=0.0)),
    backbone=dict(
        depth=10, base_width=32, groups=(1, 1, 4, 4), zero_init_residual=False
    ),
    neck=dict(in_channels=256, hid_channels=512, out_channels=512),
    head=dict(predictor=dict(in_channels=512, hid_channels=128, out_channels=512)),
)

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type="ClusteredImages",
        clusters=clusters,
        dataset=dict(type="UnlabeledImages", source=images, store_size=48, cache="ram"),
    ),
)
# The predictor's rate does not decay (section 4.1 of the paper of SimSiam).
optim_wrapper = dict(
    optimizer=dict(lr=0.12),
    paramwise_cfg=dict(custom_keys={"predictor": dict(fix_lr=True)}),
)
default_hooks = dict(
    fixed_lr=dict(type="FixedLrHook"),
    monitor=dict(type="CollapseMonitorHook", subnets="paths"),
)
