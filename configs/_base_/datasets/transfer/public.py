# A classifier's data: the public set that a config beside this one names. The folder of
# all sets is `--cfg-options data_root=/data`; validation images train too, as the
# protocols do once their settings are chosen.
_base_ = "../../models/classifier.py"

data_root = "data"

train_dataloader = dict(
    batch_size=64,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    collate_fn=dict(type="mmtaskssl.pack_images"),
    sampler=dict(type="InfiniteSampler", shuffle=True),
    dataset=dict(type="PublicImages", data_root=data_root, split="train+val"),
)
val_dataloader = dict(
    batch_size=128,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    collate_fn=dict(type="mmtaskssl.pack_images"),
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(type="PublicImages", data_root=data_root, split="test"),
)
test_dataloader = val_dataloader
val_evaluator = dict(type="TransferMetric", _delete_=True)
test_evaluator = val_evaluator
