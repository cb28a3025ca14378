_base_ = "./routed_resnet50.py"

model = dict(
    type="RoutedSimSiam",
    data_preprocessor=dict(type="TwoViewPreprocessor", preset="simsiam", view_size=224),
    neck=dict(
        type="ElasticNonLinearNeck",
        in_channels=2048,
        hid_channels=2048,
        out_channels=2048,
        num_layers=3,
        with_last_bn=True,
        with_last_bn_affine=False,
    ),
    head=dict(
        type="mmselfsup.LatentPredictHead",
        predictor=dict(
            type="mmtaskssl.ElasticNonLinearNeck",
            in_channels=2048,
            hid_channels=512,
            out_channels=2048,
            num_layers=2,
            with_avg_pool=False,
        ),
        loss=dict(type="mmselfsup.CosineSimilarityLoss"),
    ),
)
