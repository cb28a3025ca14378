model = dict(
    type="BYOL",
    base_momentum=0.99,
    end_momentum=1.0,
    data_preprocessor=dict(type="TwoViewPreprocessor", preset="byol", view_size=224),
    backbone=dict(
        type="mmselfsup.ResNet",
        depth=50,
        out_indices=[4],  # the last stage, in mmselfsup's counting
        norm_cfg=dict(type="BN"),
    ),
    neck=dict(
        type="mmselfsup.NonLinearNeck",
        in_channels=2048,
        hid_channels=4096,
        out_channels=256,
        num_layers=2,
        with_bias=True,
        with_last_bn=False,
        norm_cfg=dict(type="BN1d"),
    ),
    head=dict(
        type="mmselfsup.LatentPredictHead",
        predictor=dict(
            type="mmselfsup.NonLinearNeck",
            in_channels=256,
            hid_channels=4096,
            out_channels=256,
            num_layers=2,
            with_bias=True,
            with_last_bn=False,
            with_avg_pool=False,
            norm_cfg=dict(type="BN1d"),
        ),
        # 2 - 2 cos, as in the paper; the host's shift of 0 logs 4 less.
        loss=dict(type="mmselfsup.CosineSimilarityLoss", shift_factor=1.0),
    ),
)
