r"""Resolution self-distillation with MoCo v2: EfficientNet-Lite0 at 64 px, by 128 px.

Ours: the network learns from itself, frozen as it began, at twice the resolution of
the same crop (cosine of the pooled features, weight 6; colours change in its own view
alone), and by MoCo v2 (Chen et al., 2020, https://arxiv.org/abs/2003.04297; at most
1,024 keys, a quarter of a smaller set, momentum 0.99). Batch norms keep the start's
statistics. Meant for a thousand images that look like the target's.

python tools/train.py \
    configs/distill/selfres-mocov2_timm-lite0_1xb64-onecycle-200i_folder-64px.py \
    --cfg-options images=/my/folder selection=/my/selection.txt \
    weights=timm:tf_efficientnet_lite0=/my/lite0.pth

Hardware: one CPU core, or a GPU; about 0.3 GiB a GPU (computed, not measured).
"""

_base_ = ["../_base_/recipes/selfres_64px.py"]

model = dict(
    type="MoCo",
    queue_len=1024,
    feat_dim=128,
    momentum=0.99,
    neck=dict(
        type="mmselfsup.NonLinearNeck",
        in_channels=1280,
        hid_channels=512,
        out_channels=128,
        with_bias=True,
        with_last_bn=False,
        norm_cfg=dict(type="BN1d"),
    ),
    head=dict(
        type="mmselfsup.ContrastiveHead",
        loss=dict(type="mmcls.CrossEntropyLoss"),
        temperature=0.2,
    ),
)
