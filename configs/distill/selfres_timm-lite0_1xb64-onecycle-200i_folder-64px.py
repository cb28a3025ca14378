r"""Resolution self-distillation alone: EfficientNet-Lite0 at 64 px, by 128 px.

As selfres-mocov2_timm-lite0_1xb64-onecycle-200i_folder-64px.py, without MoCo v2: one
view of each image.

python tools/train.py \
    configs/distill/selfres_timm-lite0_1xb64-onecycle-200i_folder-64px.py \
    --cfg-options images=/my/folder selection=/my/selection.txt \
    weights=timm:tf_efficientnet_lite0=/my/lite0.pth

Hardware: one CPU core, or a GPU; about 0.3 GiB a GPU (computed, not measured).
"""

_base_ = ["../_base_/recipes/selfres_64px.py"]

model = dict(type="Distill", data_preprocessor=dict(views=1))
