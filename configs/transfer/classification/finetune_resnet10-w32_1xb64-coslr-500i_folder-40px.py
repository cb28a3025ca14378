r"""Fine-tuning of any export on a folder of labelled images, 40 px.

All layers are trained at one learning rate. All of it is our choice, for one CPU core.

python tools/train.py \
    transfer/classification/finetune_resnet10-w32_1xb64-coslr-500i_folder-40px.py \
    --cfg-options backbone=EXPORT_DIR target=/my/folder
"""

_base_ = "../../_base_/recipes/classify_cpu_40px.py"
