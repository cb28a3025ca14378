# ImageNet as train/CLASS/IMAGE and val/CLASS/IMAGE, both with the same class folders.
root = "data/imagenet"

train_dataloader = dict(
    batch_size=32,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    collate_fn=dict(type="mmtaskssl.pack_images"),
    sampler=dict(type="DefaultSampler", shuffle=True),
    dataset=dict(type="LabeledImages", source=f"{root}/train"),
)
val_dataloader = dict(
    batch_size=64,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    collate_fn=dict(type="mmtaskssl.pack_images"),
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(type="LabeledImages", source=f"{root}/val"),
)
test_dataloader = val_dataloader
