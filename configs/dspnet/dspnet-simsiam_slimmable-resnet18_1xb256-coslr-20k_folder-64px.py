r"""DSPNet on SimSiam, small: ResNet-18 at four widths, 64 px, on a folder of images.

Wang et al., DSPNet, 2022 (https://arxiv.org/abs/2207.06075), on another base than the
paper's.
Ours: everything but the idea; narrower projections.

python tools/train.py \
    configs/dspnet/dspnet-simsiam_slimmable-resnet18_1xb256-coslr-20k_folder-64px.py \
    --cfg-options images=/my/folder max_iters=20000

Hardware: one GPU, or a patient CPU.
"""

_base_ = [
    "../_base_/models/simsiam.py",
    "../_base_/datasets/folder.py",
    "../_base_/schedules/sgd_coslr-20k.py",
    "../_base_/iter_runtime.py",
]

model = dict(
    type="SlimmableSimSiam",
    subnet_sampler=dict(type="AllSubnets"),
    data_preprocessor=dict(view_size=64, augment=dict(blur_sigma=(0.1, 0.6))),
    backbone=dict(
        _delete_=True,
        type="SlimmableResNet",
        depth=18,
        widths=(1.0, 0.75, 0.5, 0.25),
        zero_init_residual=False,
        out_indices=(3,),
    ),
    neck=dict(
        _delete_=True,
        type="ElasticNonLinearNeck",
        in_channels=512,
        hid_channels=1024,
        out_channels=1024,
        num_layers=3,
        norm="SwitchableBN",
        num_switches=4,
        with_last_bn=True,
        with_last_bn_affine=False,
    ),
    head=dict(
        predictor=dict(
            _delete_=True,
            type="ElasticNonLinearNeck",
            in_channels=1024,
            hid_channels=256,
            out_channels=1024,
            with_avg_pool=False,
        )
    ),
    aux_predictor=dict(norm="SwitchableBN"),
)
model_wrapper_cfg = dict(type="ElasticDDP")
# The predictors' rate does not decay (section 4.1 of SimSiam's paper).
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={"predictor": dict(fix_lr=True)}))
default_hooks = dict(
    fixed_lr=dict(type="FixedLrHook"),
    collapse=dict(type="CollapseMonitorHook", interval=500),
)
