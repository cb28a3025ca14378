# debug_32px.py for routed networks: the labels of the images are the clusters.
_base_ = "./debug_32px.py"

train_dataloader = dict(
    batch_sampler=dict(type="ClusterBatches", cluster_batch_size=8),
    dataset=dict(
        _delete_=True,
        type="ClusteredImages",
        clusters="labels",
        tree=(2, 2, 1, 1),
        dataset=dict(type="SyntheticImages", num_images=64, num_classes=4, size=40),
    ),
)
