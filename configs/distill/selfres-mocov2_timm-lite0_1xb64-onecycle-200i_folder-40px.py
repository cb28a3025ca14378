r"""Resolution self-distillation with MoCo v2: EfficientNet-Lite0 at 40 px, by 80 px.

As selfres-mocov2_timm-lite0_1xb64-onecycle-200i_folder-64px.py; from 128 px with
`model.distill.teacher.view_size=128 train_dataloader.dataset.store_size=160`.

python tools/train.py \
    configs/distill/selfres-mocov2_timm-lite0_1xb64-onecycle-200i_folder-40px.py \
    --cfg-options images=/my/folder selection=/my/selection.txt \
    weights=timm:tf_efficientnet_lite0=/my/lite0.pth

Hardware: one CPU core.
"""

_base_ = "./selfres-mocov2_timm-lite0_1xb64-onecycle-200i_folder-64px.py"

model = dict(
    data_preprocessor=dict(view_size=40), distill=dict(teacher=dict(view_size=80))
)
train_dataloader = dict(dataset=dict(store_size=100))
