r"""SDR on SimSiam in an hour or so on one CPU core: 16 paths, 10-layer ResNet, 40 px.

Liu et al., SDR, AAAI 2022 (https://arxiv.org/abs/2205.13267).
The recipe is the full configs'; ours is the size: two groups in each of four stages,
one half-wide basic block a stage, no blur at 40 px, residual branches that do not start
at zero, bfloat16 autocast and channels-last weights. The clusters are a tree of
2x2x2x2.

python tools/cluster_data.py --pool STORE --tree 2x2x2x2 --out /my/clusters
python tools/train.py \
    configs/sdr/routed-simsiam_resnet10-w32-16paths_1xb128-coslr-2k_folder-40px.py \
    --cfg-options images=/my/folder clusters=/my/clusters max_iters=2000

The arms, each by more options:
no progress     model.subnet_sampler.shares=[0,0,0,0,1]
no distillation model.kd_weight=0
random clusters clusters=/my/random/clusters  (made with --random)
MAX alone       model.subnet_sampler.shares=[1,0,0,0,0]; for the cost of the paths
                max_iters=3200

Hardware: one CPU core.
"""

_base_ = ["../_base_/models/routed_simsiam.py", "../_base_/recipes/cpu_40px.py"]

images = "data/images"
clusters = "data/clusters"

model = dict(
    data_preprocessor=dict(view_size=40, augment=dict(blur=0.0)),
    backbone=dict(depth=10, base_width=32, groups=2, zero_init_residual=False),
    neck=dict(in_channels=256, hid_channels=512, out_channels=512),
    head=dict(predictor=dict(in_channels=512, hid_channels=128, out_channels=512)),
)

train_dataloader = dict(
    batch_sampler=dict(type="ClusterBatches"),
    dataset=dict(
        _delete_=True,
        type="ClusteredImages",
        clusters=clusters,
        dataset=dict(type="UnlabeledImages", source=images, store_size=48, cache="ram"),
    ),
)
# The predictor's rate does not decay (section 4.1 of the paper of SimSiam).
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={"predictor": dict(fix_lr=True)}))
default_hooks = dict(
    fixed_lr=dict(type="FixedLrHook"),
    phase=dict(type="ProgressivePhaseHook"),
    # Every path.
    monitor=dict(
        type="CollapseMonitorHook",
        subnets=["MAX"]
        + [
            f"s32-w32.64.128.256-d1.1.1.1-p{a}.{b}.{c}.{d}"
            for a in (0, 1)
            for b in (0, 1)
            for c in (0, 1)
            for d in (0, 1)
        ],
    ),
)
