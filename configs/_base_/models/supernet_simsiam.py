_base_ = "./simsiam.py"

model = dict(
    type="SupernetSimSiam",
    backbone=dict(
        _delete_=True,
        type="DynamicResNet",
        space="data_bottleneck",
        out_indices=(3,),
        norm_cfg=dict(type="BN"),
    ),
    # MAX, MIN and one random net a step.
    subnet_sampler=dict(type="Sandwich", num_random=1),
    neck=dict(
        _delete_=True,
        type="ElasticNonLinearNeck",
        in_channels=2560,
        hid_channels=2048,
        out_channels=2048,
        num_layers=3,
        with_last_bn=True,
        with_last_bn_affine=False,
    ),
)

# Synchronises gradients once a step, not once a sub-net.
model_wrapper_cfg = dict(type="mmtaskssl.ElasticDDP")
