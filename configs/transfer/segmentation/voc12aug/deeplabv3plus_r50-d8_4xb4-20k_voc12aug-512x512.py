r"""DeepLabV3+ on VOC12Aug for 20k iterations, mmseg's recipe.

Chen et al., Encoder-Decoder with Atrous Separable Convolution
(https://arxiv.org/abs/1802.02611). The backbone is an ordinary ResNet-50 in place of
mmseg's variant with three convolutions in the stem, which no export has.

bash tools/dist_train.sh \
    configs/transfer/segmentation/voc12aug/deeplabv3plus_r50-d8_4xb4-20k_voc12aug-512x512.py 4 \
    --cfg-options data_root=/data/VOCdevkit/VOC2012 backbone=EXPORT_DIR

Hardware: 4 GPUs. Without backbone=... the ResNet-50 starts untrained.
"""  # noqa: E501

_base_ = ["mmseg::deeplabv3plus/deeplabv3plus_r50-d8_4xb4-20k_voc12aug-512x512.py"]
custom_imports = dict(imports=["mmtaskssl"])

model = dict(pretrained=None, backbone=dict(type="ResNet"))
