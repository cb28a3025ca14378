# BYOL at several widths: ResNet-50, batch norms of their own for each width.
model = dict(
    type="SlimmableBYOL",
    preset="dsp",
    loss_weights="uniform",
    subnet_sampler=dict(type="AllSubnets"),
    base_momentum=0.99,
    end_momentum=1.0,
    data_preprocessor=dict(type="TwoViewPreprocessor", preset="byol", view_size=224),
    backbone=dict(
        type="SlimmableResNet",
        depth=50,
        widths=(1.0, 0.75, 0.5, 0.25),
        out_indices=(3,),
    ),
    neck=dict(
        type="ElasticNonLinearNeck",
        in_channels=2048,
        hid_channels=4096,
        out_channels=256,
        norm="SwitchableBN",
        num_switches=4,
    ),
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
model_wrapper_cfg = dict(type="ElasticDDP")
