model = dict(
    type="SimSiam",
    data_preprocessor=dict(type="TwoViewPreprocessor", preset="simsiam", view_size=224),
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
        out_channels=2048,
        num_layers=3,
        with_last_bn_affine=False,
        norm_cfg=dict(type="BN1d"),
    ),
    head=dict(
        type="mmselfsup.LatentPredictHead",
        predictor=dict(
            type="mmselfsup.NonLinearNeck",
            in_channels=2048,
            hid_channels=512,
            out_channels=2048,
            with_avg_pool=False,
            with_last_bn=False,
            with_last_bias=True,
            norm_cfg=dict(type="BN1d"),
        ),
        loss=dict(type="mmselfsup.CosineSimilarityLoss"),
    ),
)
