# Resolution self-distillation: a network with public weights, at 64 px, learns from
# itself at 128 px. Batch norms keep the start's statistics; a thousand images, decoded
# once, at the 128 px that the teacher's crops need and a quarter more.
_base_ = [
    "../datasets/folder.py",
    "../schedules/adamw_onecycle-200i.py",
    "../iter_runtime.py",
]

model = dict(
    data_preprocessor=dict(
        type="TwoViewPreprocessor",
        preset="mocov2",
        view_size=64,
        augment=dict(blur=0.0),
        mean=[127.5] * 3,
        std=[127.5] * 3,
    ),
    backbone=dict(
        type="TimmBackbone",
        name="tf_efficientnet_lite0",
        norm_eval=True,  # `weights=timm:tf_efficientnet_lite0=FILE` is the start
    ),
    distill=dict(
        # The start itself; `teacher=` names a larger network instead.
        teacher=dict(type="StartTeacher", view_size=128),
        losses=[dict(type="CosineRegression", weight=6.0)],
    ),
)
train_dataloader = dict(
    batch_size=64,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(store_size=160, cache="ram"),
)
default_hooks = dict(
    checkpoint=dict(interval=200, max_keep_ckpts=1), logger=dict(interval=20)
)
custom_hooks = [dict(type="ChannelsLastHook")]
