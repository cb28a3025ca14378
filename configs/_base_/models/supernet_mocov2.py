model = dict(
    type="SupernetMoCo",
    queue_len=65536,
    feat_dim=128,
    momentum=0.999,
    data_preprocessor=dict(type="TwoViewPreprocessor", preset="mocov2", view_size=224),
    backbone=dict(
        type="DynamicResNet",
        space="data_bottleneck",
        out_indices=(3,),
        norm_cfg=dict(type="BN"),
    ),
    # MAX, MIN and one random net a step.
    subnet_sampler=dict(type="Sandwich", num_random=1),
    neck=dict(
        type="ElasticNonLinearNeck",
        in_channels=2560,
        hid_channels=2048,
        out_channels=128,
        num_layers=2,
        norm=None,  # MoCo v2's published neck has no batch norm
    ),
    head=dict(
        type="mmselfsup.ContrastiveHead",
        loss=dict(type="mmcls.CrossEntropyLoss"),
        temperature=0.2,
    ),
)

# Synchronises gradients once a step, not once a sub-net.
model_wrapper_cfg = dict(type="mmtaskssl.ElasticDDP")
