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
                max_iters=2900

Hardware: one CPU core.
"""

_base_ = [
    "../_base_/models/routed_simsiam.py",
    "../_base_/datasets/clustered_folder.py",
    "../_base_/schedules/sgd_coslr-20k.py",
    "../_base_/iter_runtime.py",
]

max_iters = 2000

model = dict(
    data_preprocessor=dict(view_size=40, augment=dict(blur=0.0)),
    backbone=dict(depth=10, base_width=32, groups=2, zero_init_residual=False),
    neck=dict(in_channels=256, hid_channels=512, out_channels=512),
    head=dict(predictor=dict(in_channels=512, hid_channels=128, out_channels=512)),
)

train_dataloader = dict(
    batch_size=128,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(dataset=dict(store_size=48, cache="ram")),
)
# The predictor's rate does not decay (section 4.1 of the paper of SimSiam).
optim_wrapper = dict(
    type="BFloat16OptimWrapper",
    optimizer=dict(lr=0.06),
    paramwise_cfg=dict(custom_keys={"predictor": dict(fix_lr=True)}),
)
auto_scale_lr = dict(base_batch_size=128)
train_cfg = dict(max_iters=max_iters)
default_hooks = dict(
    fixed_lr=dict(type="FixedLrHook"),
    phase=dict(type="ProgressivePhaseHook"),
    checkpoint=dict(interval=1000, max_keep_ckpts=1),
    logger=dict(interval=100),
)
custom_hooks = [dict(type="ChannelsLastHook")]
