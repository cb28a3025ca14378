model = dict(
    type="RoutedSimSiam",
    kd_weight=0.5,
    data_preprocessor=dict(type="TwoViewPreprocessor", preset="simsiam", view_size=224),
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

# Synchronises gradients once a step, not once a sub-net.
model_wrapper_cfg = dict(type="mmtaskssl.ElasticDDP")
