# BYOL at several widths: ResNet-50, batch norms of their own for each width.
_base_ = "./slimmable_resnet.py"

model = dict(
    type="SlimmableBYOL",
    preset="dsp",
    loss_weights="uniform",
    base_momentum=0.99,
    end_momentum=1.0,
    data_preprocessor=dict(type="TwoViewPreprocessor", preset="byol", view_size=224),
    neck=dict(in_channels=2048, hid_channels=4096, out_channels=256),
    head=dict(
        type="mmselfsup.LatentPredictHead",
        predictor=dict(
            type="ElasticNonLinearNeck",
            in_channels=256,
            hid_channels=4096,
            out_channels=256,
            with_avg_pool=False,
        ),
        # 2 - 2 cos, as in the paper; the host's shift of 0 logs 4 less.
        loss=dict(type="mmselfsup.CosineSimilarityLoss", shift_factor=1.0),
    ),
    aux_predictor=dict(norm="SwitchableBN"),
)
