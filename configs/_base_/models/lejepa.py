# LeJEPA as published but for the network, a ResNet-50 in place of vision transformers.
model = dict(
    type="JointEmbedding",
    data_preprocessor=dict(
        type="TwoViewPreprocessor", preset="mocov2", view_size=224, local_views=6
    ),
    backbone=dict(
        type="mmselfsup.ResNet",
        depth=50,
        out_indices=[4],  # the last stage, in mmselfsup's counting
        norm_cfg=dict(type="BN"),
        zero_init_residual=True,
    ),
    neck=dict(
        type="mmselfsup.NonLinearNeck",
        in_channels=2048,
        hid_channels=2048,
        out_channels=128,
        num_layers=3,
        with_last_bn=False,
        norm_cfg=dict(type="BN1d"),
    ),
    head=dict(type="SIGRegHead", weight=0.05),
)
