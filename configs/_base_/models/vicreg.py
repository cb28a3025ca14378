model = dict(
    type="JointEmbedding",
    data_preprocessor=dict(type="TwoViewPreprocessor", preset="byol", view_size=224),
    backbone=dict(
        type="mmselfsup.ResNet",
        depth=50,
        out_indices=[4],  # the last stage, in mmselfsup's counting
        norm_cfg=dict(type="BN"),
        zero_init_residual=True,
    ),
    # The paper's expander.
    neck=dict(
        type="mmselfsup.NonLinearNeck",
        in_channels=2048,
        hid_channels=8192,
        out_channels=8192,
        num_layers=3,
        with_last_bn=False,
        norm_cfg=dict(type="BN1d"),
    ),
    head=dict(type="VICRegHead"),
)
