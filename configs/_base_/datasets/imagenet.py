# Any folder of images: `--cfg-options images=/my/folder`, and with
# `selection=/my/selection.txt` only those that a selection file names.
images = "data/imagenet/train"

train_dataloader = dict(
    batch_size=32,
    num_workers=8,
    persistent_workers=True,
    drop_last=True,
    pin_memory=True,
    collate_fn=dict(type="mmtaskssl.pack_images"),
    sampler=dict(type="DefaultSampler", shuffle=True),
    dataset=dict(type="UnlabeledImages", source=images),
)
