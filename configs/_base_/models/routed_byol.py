_base_ = "./routed_resnet50.py"

model = dict(
    type="RoutedBYOL",
    base_momentum=0.99,
    end_momentum=1.0,
    data_preprocessor=dict(type="TwoViewPreprocessor", preset="byol", view_size=224),
    neck=dict(
        type="ElasticNonLinearNeck",
        in_channels=2048,
        hid_channels=4096,
        out_channels=256,
        num_layers=2,
    ),
    head=dict(
        type="mmselfsup.LatentPredictHead",
        predictor=dict(
            type="mmtaskssl.ElasticNonLinearNeck",
            in_channels=256,
            hid_channels=4096,
            out_channels=256,
            num_layers=2,
            with_avg_pool=False,
        ),
        # 2 - 2 cos, as in the paper; the host's shift of 0 logs 4 less.
        loss=dict(type="mmselfsup.CosineSimilarityLoss", shift_factor=1.0),
    ),
)
