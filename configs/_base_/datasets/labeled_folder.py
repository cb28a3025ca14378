# A folder of labelled images, train/CLASS/IMAGE and test/CLASS/IMAGE:
# `--cfg-options target=/my/folder`, which also counts the classes.
target = "data/target"

train_dataloader = dict(
    batch_size=64,
    num_workers=2,
    persistent_workers=True,
    pin_memory=True,
    collate_fn=dict(type="mmtaskssl.pack_images"),
    sampler=dict(type="InfiniteSampler", shuffle=True),
    dataset=dict(type="LabeledImages", source=f"{target}/train", store_size=512),
)
val_dataloader = dict(
    batch_size=128,
    num_workers=2,
    pin_memory=True,
    collate_fn=dict(type="mmtaskssl.pack_images"),
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(type="LabeledImages", source=f"{target}/test", store_size=512),
)
test_dataloader = val_dataloader
