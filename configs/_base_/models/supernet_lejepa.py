_base_ = "./lejepa.py"

model = dict(
    type="SupernetJointEmbedding",
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
        out_channels=128,
        num_layers=3,
    ),
)

# Synchronises gradients once a step, not once a sub-net.
model_wrapper_cfg = dict(type="mmtaskssl.ElasticDDP")
