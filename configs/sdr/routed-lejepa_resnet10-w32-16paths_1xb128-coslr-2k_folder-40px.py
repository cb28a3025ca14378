r"""SDR on LeJEPA, on one CPU core: 16 paths, 10-layer ResNet, 40 px.

Liu et al., SDR, AAAI 2022 (https://arxiv.org/abs/2205.13267), on another objective than
the paper's: Balestriero and LeCun, LeJEPA, 2025 (https://arxiv.org/abs/2511.08544).
Ours: all but the two ideas. A path approaches MAX's embedding of the image and its own
views alike; four groups in each of the last two stages, no blur and no local views.

python tools/cluster_data.py --pool STORE --tree 4x4x1x1 --out /my/clusters
python tools/train.py \
    configs/sdr/routed-lejepa_resnet10-w32-16paths_1xb128-coslr-2k_folder-40px.py \
    --cfg-options images=/my/folder clusters=/my/clusters max_iters=2000

Hardware: one CPU core.
"""

_base_ = ["../_base_/models/routed_lejepa.py", "../_base_/recipes/cpu_40px.py"]

images = "data/images"
clusters = "data/clusters"

model = dict(
    subnet_sampler=dict(shares=(0.3, 0.2, 0.5)),
    subnet_loss_weights=dict(MAX=1.0, others=1.0),
    data_preprocessor=dict(view_size=40, augment=dict(blur=0.0), local_size=20),
    backbone=dict(
        depth=10, base_width=32, groups=(1, 1, 4, 4), zero_init_residual=False
    ),
    neck=dict(in_channels=256, hid_channels=512, out_channels=64),
)

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type="ClusteredImages",
        clusters=clusters,
        dataset=dict(type="UnlabeledImages", source=images, store_size=48, cache="ram"),
    ),
)

optim_wrapper = dict(
    optimizer=dict(_delete_=True, type="AdamW", lr=2e-3, weight_decay=1e-2),
)
default_hooks = dict(monitor=dict(type="CollapseMonitorHook", subnets="paths"))
