# Any folder of images: `--cfg-options images=/my/folder`, and with
# `selection=/my/selection.txt` only those that a selection file names.
images = "data/images"

train_dataloader = dict(
    batch_size=256,
    num_workers=4,
    persistent_workers=True,
    pin_memory=True,
    collate_fn=dict(type="mmtaskssl.pack_images"),
    sampler=dict(type="InfiniteSampler", shuffle=True),
    dataset=dict(type="UnlabeledImages", source=images, store_size=128),
)
