model = dict(
    type="MoCo",
    queue_len=65536,
    feat_dim=128,
    momentum=0.999,
    data_preprocessor=dict(type="TwoViewPreprocessor", preset="mocov2", view_size=224),
    backbone=dict(
        type="mmselfsup.ResNet",
        depth=50,
        out_indices=[4],  # the last stage, in mmselfsup's counting
        norm_cfg=dict(type="BN"),
    ),
    neck=dict(
        type="mmselfsup.MoCoV2Neck",
        in_channels=2048,
        hid_channels=2048,
        out_channels=128,
    ),
    head=dict(
        type="mmselfsup.ContrastiveHead",
        loss=dict(type="mmcls.CrossEntropyLoss"),
        temperature=0.2,
    ),
)
