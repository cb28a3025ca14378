# What routed networks have in common, whatever their self-supervised loss is.
model = dict(
    kd_weight=0.5,
    # At full weight the batches of single clusters cost MAX accuracy (model_zoo.md).
    subnet_loss_weights=dict(MAX=1.0, others=0.3),
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
        type="Progressive", num_paths=1, shares=(0.3, 0.1, 0.1, 0.1, 0.4)
    ),
)

# Synchronises gradients once a step, not once a sub-net.
model_wrapper_cfg = dict(type="mmtaskssl.ElasticDDP")
