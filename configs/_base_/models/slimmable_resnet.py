# What slimmable networks have in common, whatever their self-supervised loss is.
model = dict(
    subnet_sampler=dict(type="AllSubnets"),
    backbone=dict(
        type="SlimmableResNet",
        depth=50,
        widths=(1.0, 0.75, 0.5, 0.25),
        out_indices=(3,),
    ),
    neck=dict(type="ElasticNonLinearNeck", norm="SwitchableBN", num_switches=4),
)

# Synchronises gradients once a step, not once a sub-net.
model_wrapper_cfg = dict(type="mmtaskssl.ElasticDDP")
