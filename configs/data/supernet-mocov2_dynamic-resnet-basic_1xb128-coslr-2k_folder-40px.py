r"""DATA's MoCo v2 supernet in minutes to an hour on one CPU core: 40 px, basic blocks.

Chang et al., DATA, CVPR 2022 (https://arxiv.org/abs/2203.09041).
The paper's: the sandwich of MAX, MIN and one random net, summed gradients, keys by MAX.

python tools/train.py \
    configs/data/supernet-mocov2_dynamic-resnet-basic_1xb128-coslr-2k_folder-40px.py \
    --cfg-options images=/my/folder max_iters=2000

Hardware: one CPU core.
"""

_base_ = [
    "../_base_/models/supernet_mocov2.py",
    "../_base_/datasets/folder.py",
    "../_base_/schedules/sgd_coslr-20k.py",
    "../_base_/iter_runtime.py",
]

max_iters = 2000

model = dict(
    queue_len=1024,
    momentum=0.99,
    data_preprocessor=dict(view_size=40, augment=dict(blur=0.0)),
    backbone=dict(space="data_basic", zero_init_residual=False),
    neck=dict(in_channels=320, hid_channels=512, norm="BN"),
)

train_dataloader = dict(
    batch_size=128,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(store_size=48, cache="ram"),
)
optim_wrapper = dict(type="BFloat16OptimWrapper", optimizer=dict(lr=0.06))
auto_scale_lr = dict(base_batch_size=128)
train_cfg = dict(max_iters=max_iters)
default_hooks = dict(
    checkpoint=dict(interval=1000, max_keep_ckpts=1), logger=dict(interval=100)
)
custom_hooks = [dict(type="ChannelsLastHook")]
