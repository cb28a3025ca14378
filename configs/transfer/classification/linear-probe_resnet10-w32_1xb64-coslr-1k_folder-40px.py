r"""Linear probe of any export on a folder of labelled images, 40 px.

The backbone is frozen; one linear layer is trained by SGD on random crops. All of it is
our choice, for one CPU core. tools/eval_linear.py solves the same problem exactly on
plain images, and finds its weight decay by itself: prefer its numbers in tables.

python tools/train.py \
    transfer/classification/linear-probe_resnet10-w32_1xb64-coslr-1k_folder-40px.py \
    --cfg-options backbone=EXPORT_DIR target=/my/folder
"""

_base_ = "../../_base_/recipes/classify_cpu_40px.py"

max_iters = 1000

model = dict(backbone=dict(frozen_stages=4))
optim_wrapper = dict(optimizer=dict(lr=0.5, weight_decay=0.0))
train_cfg = dict(max_iters=max_iters, val_interval=500)
