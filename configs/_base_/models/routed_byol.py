model = dict(
    type="RoutedBYOL",
    kd_weight=0.5,
    base_momentum=0.99,
    end_momentum=1.0,
    data_preprocessor=dict(type="TwoViewPreprocessor", preset="byol", view_size=224),
    backbone=dict(
        type="RoutedResNet",
        depth=50,
        style="compact",
        groups=4,
        out_indices=(3,),
        norm_cfg=dict(type="BN"),
        zero_init_residual=True,
    ),
    # MAX in every step, a path of the phase beside it.
    subnet_sampler=dict(
        type="Progressive", num_paths=1, shares=(0.5, 0.1, 0.1, 0.1, 0.2)
    ),
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

# Synchronises gradients once a step, not once a sub-net.
model_wrapper_cfg = dict(type="mmtaskssl.ElasticDDP")
