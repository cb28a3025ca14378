r"""UPerNet on ADE20K for 160k iterations, mmseg's recipe.

Xiao et al., Unified Perceptual Parsing (https://arxiv.org/abs/1807.10221). The backbone
is an ordinary ResNet-50 in place of mmseg's variant with three convolutions in the
stem, which no export has.

bash tools/dist_train.sh \
    configs/transfer/segmentation/ade20k/upernet_r50_4xb4-160k_ade20k-512x512.py 4 \
    --cfg-options data_root=/data/ADEChallengeData2016 backbone=EXPORT_DIR

Hardware: 4 GPUs. Without backbone=... the ResNet-50 starts untrained.
"""

_base_ = ["mmseg::upernet/upernet_r50_4xb4-160k_ade20k-512x512.py"]
custom_imports = dict(imports=["mmtaskssl"])

model = dict(pretrained=None, backbone=dict(type="ResNet"))
