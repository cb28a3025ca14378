r"""Fine-tuning, debug: twelve iterations on generated images, in seconds on a CPU.

python tools/train.py \
    configs/transfer/classification/finetune_resnet10-w8_1xb16-coslr-12i_debug-32px.py
"""

_base_ = "../../_base_/recipes/classify_debug_32px.py"
