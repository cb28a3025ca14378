# Generated images of four classes: nothing to download, nothing on disk.
train_dataloader = dict(
    batch_size=16,
    num_workers=0,
    pin_memory=True,
    collate_fn=dict(type="mmtaskssl.pack_images"),
    sampler=dict(type="InfiniteSampler", shuffle=True),
    dataset=dict(type="SyntheticImages", num_images=64, num_classes=4, size=40),
)
val_dataloader = dict(
    batch_size=16,
    num_workers=0,
    pin_memory=True,
    collate_fn=dict(type="mmtaskssl.pack_images"),
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(type="SyntheticImages", num_images=32, num_classes=4, size=40, seed=1),
)
test_dataloader = val_dataloader
