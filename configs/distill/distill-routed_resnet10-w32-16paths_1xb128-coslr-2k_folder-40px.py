r"""Distillation into MAX and 16 paths: a 10-layer routed ResNet at 40 px, one CPU core.

The network is routed-simsiam_resnet10-w32-16paths_1xb128-coslr-2k_folder-40px's, the
losses are distill_resnet10-w32_1xb128-coslr-2k_folder-40px's. MAX imitates the teacher
on all images, a path on those of its cluster.

python tools/cluster_data.py --pool STORE --tree 4x4x1x1 --out /my/clusters
python tools/train.py \
    configs/distill/distill-routed_resnet10-w32-16paths_1xb128-coslr-2k_folder-40px.py \
    --teacher timm:tf_efficientnet_lite0=/my/lite0.pth \
    --cfg-options images=/my/folder clusters=/my/clusters max_iters=2000

Hardware: one CPU core.
"""

_base_ = [
    "../_base_/models/elastic_distill.py",
    "../_base_/recipes/distill_cpu_40px.py",
]

images = "data/images"
clusters = "data/clusters"

model = dict(
    type="RoutedDistill",
    data_preprocessor=dict(view_size=40, augment=dict(blur=0.0)),
    subnet_sampler=dict(
        _delete_=True, type="Progressive", num_paths=1, shares=(0.3, 0.2, 0.5)
    ),
    backbone=dict(
        type="RoutedResNet",
        depth=10,
        base_width=32,
        groups=(1, 1, 4, 4),
        zero_init_residual=False,
    ),
    distill=dict(teacher=dict(view_size=80), head=dict(num_layers=2, hid_channels=512)),
)
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type="ClusteredImages",
        clusters=clusters,
        dataset=dict(type="UnlabeledImages", source=images, store_size=96, cache="ram"),
    ),
)
