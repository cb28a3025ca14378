r"""DSPNet, small: ResNet-18 with a 3x3 stem at four widths, 32 px, a folder of images.

Wang et al., DSPNet, 2022 (https://arxiv.org/abs/2207.06075).
All but the stem, the size of the views and the missing blur is
dspnet-byol_slimmable-resnet18_1xb256-coslr-20k_folder-64px's.

cd configs/dspnet && python ../../tools/train.py \
    dspnet-byol_slimmable-resnet18-stem3_1xb256-coslr-20k_folder-32px.py \
    --cfg-options images=/my/folder max_iters=20000

Hardware: one GPU.
"""

_base_ = "./dspnet-byol_slimmable-resnet18_1xb256-coslr-20k_folder-64px.py"

model = dict(
    data_preprocessor=dict(
        view_size=32, augment=dict(_delete_=True, crop_scale=(0.2, 1.0), blur=0.0)
    ),
    backbone=dict(stem_kernel=3),
)
train_dataloader = dict(dataset=dict(store_size=64))
