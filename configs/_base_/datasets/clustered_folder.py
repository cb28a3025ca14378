# Any folder of images and its clusters (tools/cluster_data.py):
# `--cfg-options images=/my/folder clusters=/my/clusters`.
images = "data/images"
clusters = "data/clusters"

train_dataloader = dict(
    batch_size=256,
    num_workers=4,
    persistent_workers=True,
    pin_memory=True,
    collate_fn=dict(type="mmtaskssl.pack_images"),
    sampler=dict(type="InfiniteSampler", shuffle=True),
    dataset=dict(
        type="ClusteredImages",
        clusters=clusters,
        dataset=dict(type="UnlabeledImages", source=images, store_size=128),
    ),
)
