r"""DSPNet on SimSiam, small: ResNet-18 at four widths, 64 px, on a folder of images.

Wang et al., DSPNet, 2022 (https://arxiv.org/abs/2207.06075), on another base than the
paper's.
Ours: everything but the idea; narrower projections.

python tools/train.py \
    configs/dspnet/dspnet-simsiam_slimmable-resnet18_1xb256-coslr-20k_folder-64px.py \
    --cfg-options images=/my/folder max_iters=20000

Hardware: one GPU, or a patient CPU; about 0.6 GiB a GPU (computed, not measured).
"""

_base_ = [
    "../_base_/models/slimmable_resnet.py",
    "../_base_/recipes/folder_64px.py",
]

model = dict(
    type="SlimmableSimSiam",
    data_preprocessor=dict(
        type="TwoViewPreprocessor",
        preset="simsiam",
        view_size=64,
        augment=dict(blur_sigma=(0.1, 0.6)),
    ),
    backbone=dict(depth=18, zero_init_residual=False),
    neck=dict(
        in_channels=512,
        hid_channels=1024,
        out_channels=1024,
        num_layers=3,
        with_last_bn=True,
        with_last_bn_affine=False,
    ),
    head=dict(
        type="mmselfsup.LatentPredictHead",
        predictor=dict(
            type="ElasticNonLinearNeck",
            in_channels=1024,
            hid_channels=256,
            out_channels=1024,
            with_avg_pool=False,
        ),
        loss=dict(type="mmselfsup.CosineSimilarityLoss"),
    ),
    aux_predictor=dict(norm="SwitchableBN"),
)
# The predictors' rate does not decay (section 4.1 of SimSiam's paper).
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={"predictor": dict(fix_lr=True)}))
default_hooks = dict(
    fixed_lr=dict(type="FixedLrHook"),
    collapse=dict(type="CollapseMonitorHook", interval=500),
)
